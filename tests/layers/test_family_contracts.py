"""The battery, part three: what every member of the family is as a module."""

import copy
import io
import pickle
import threading

import pytest
import torch
from layer_family import FAMILY, GROUPED, each_member, output_and_gradients, replica
from layer_oracles import assert_equal_maps, randomised
from torch import nn

from lrlc_nas.layers import LowRankLocallyConnected2d


def single(member, **options):
    return member.layer(GROUPED, dtype=torch.float32, **options), GROUPED.images(3, torch.float32)


@each_member
def test_the_life_of_a_layer(member):
    layer, x = single(member)
    x.requires_grad_()
    y = layer(x)
    y.square().sum().backward()
    for name, tensor in (("input", x), *layer.named_parameters()):
        assert tensor.grad.abs().max() > 0, name
    assert torch.equal(layer.eval()(x), y)
    assert torch.equal(layer(input=x), y), "the input has the name that it has in a convolution"


@each_member
def test_it_tells_of_itself_what_a_convolution_does(member):
    shape = member.shape(GROUPED)
    layer, conv = member.make(shape), nn.Conv2d(*shape.channels, shape.kernel_size, **shape.options)
    for name in ("in_channels", "out_channels", "stride", "padding", "groups", "padding_mode"):
        assert getattr(layer, name) == getattr(conv, name), name
    if getattr(layer, "bank_geometries", None) is None:  # else those of the frame of all banks
        assert (layer.kernel_size, layer.dilation) == (conv.kernel_size, conv.dilation)


@each_member
def test_an_image_without_batch_axis_and_an_empty_batch(member):
    layer, x = single(member)
    y = layer(x)
    assert_equal_maps(layer(x[1]), y[1], tolerance=1e-4)
    empty = x[:0].requires_grad_()
    layer(empty).sum().backward()
    assert layer(empty).shape == (0, *y.shape[1:])
    assert empty.grad.shape == empty.shape
    assert all(not p.grad.any() for p in layer.parameters() if p.grad is not None)


@each_member
def test_state_survives_saving_into_another_layer(member):
    (layer, x), (other, _) = single(member), single(member)
    assert not torch.equal(other(x), layer(x))
    buffer = io.BytesIO()
    torch.save(layer.state_dict(), buffer)
    buffer.seek(0)
    other.load_state_dict(torch.load(buffer, weights_only=True))
    assert torch.equal(other(x), layer(x))
    assert list(layer.state_dict()) == [name for name, _ in layer.named_parameters()], "no buffers"


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))], ids=["copy", "pickle"]
)
@each_member
def test_a_copy_computes_the_same_and_shares_nothing(member, copied):
    layer, x = single(member)
    y = layer(x).detach()
    twin = copied(layer)
    assert torch.equal(twin(x), y)
    assert repr(twin) == repr(layer)
    randomised(twin)
    assert torch.equal(layer(x), y)
    assert not torch.equal(twin(x), y)


@each_member
def test_reset_parameters_forgets_all_that_was_learnt(member):
    torch.manual_seed(3)
    layer = member.make(member.shape(GROUPED))
    fresh = copy.deepcopy(layer.state_dict())
    randomised(layer)
    torch.manual_seed(3)
    layer.reset_parameters()
    for name, tensor in layer.state_dict().items():
        assert torch.equal(tensor, fresh[name]), name


@each_member
def test_the_memory_format_of_the_input_is_that_of_the_output_and_its_gradient(member):
    layer, x = member.layer(GROUPED), GROUPED.images()
    results = []
    for layout in (torch.contiguous_format, torch.channels_last):
        image = x.to(memory_format=layout).requires_grad_()
        y = layer(image)
        assert y.is_contiguous(memory_format=layout)
        results.append((y, torch.autograd.grad(y.square().sum(), image)[0]))
    for actual, expected in zip(*results, strict=True):
        assert_equal_maps(actual, expected)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.parametrize("batch", [0, 1, 3])
@each_member
def test_what_follows_may_write_into_the_output(member, batch, layout, bias):
    layer, x = member.layer(GROUPED, bias=bias), GROUPED.images(batch)
    if isinstance(layer, LowRankLocallyConnected2d):
        layer.spatial_bias = bias
    x = x.to(memory_format=layout).requires_grad_()
    leaves = [x, *layer.parameters()]
    for image in (x, *x[:1]):
        written, kept = layer(image).relu_(), layer(image).relu()
        assert torch.equal(written, kept)
        found, expected = (torch.autograd.grad(y.square().sum(), leaves, allow_unused=True) for y in (written, kept))
        for actual, wanted in zip(found, expected, strict=True):
            assert (actual is None) == (wanted is None)
            assert actual is None or torch.equal(actual, wanted)


@each_member
def test_the_memory_format_of_a_network_may_change(member):
    layer, x = single(member)
    expected = output_and_gradients(layer, x)
    layer(x).sum().backward()
    network = torch.nn.Sequential(layer)
    network.to(memory_format=torch.channels_last)
    for tensor in (*network.parameters(), *(parameter.grad for parameter in network.parameters())):
        if tensor.dim() in (4, 5):
            kernels = tensor.flatten(0, tensor.dim() - 4)
            assert kernels.is_contiguous(memory_format=torch.channels_last)
    for layout in (torch.contiguous_format, torch.channels_last):
        found = output_and_gradients(network, x.to(memory_format=layout))
        for actual, wanted in zip(found, expected, strict=True):
            assert_equal_maps(actual, wanted, tolerance=1e-4)
    network.to(memory_format=torch.contiguous_format)
    assert all(parameter.is_contiguous() for parameter in network.parameters())


@pytest.mark.parametrize("turned", [2, 8], ids=["the last two axes", "all axes"])
@each_member
def test_how_parameters_lie_in_memory_changes_nothing(member, turned):
    layer, x = member.layer(GROUPED), GROUPED.images(3)
    expected = output_and_gradients(layer, x)
    for parameter in layer.parameters():
        axes = list(range(parameter.dim()))
        axes[-turned:] = reversed(axes[-turned:])  # an order that is its own inverse
        parameter.data = parameter.detach().permute(axes).contiguous().permute(axes)
    for actual, wanted in zip(output_and_gradients(layer, x), expected, strict=True):
        assert_equal_maps(actual, wanted)


@each_member
def test_an_input_that_is_no_block_of_memory(member):
    layer, x = member.layer(GROUPED), GROUPED.images(4)
    strided = x.transpose(2, 3).contiguous().transpose(2, 3)[::2]
    assert not strided.is_contiguous()
    assert_equal_maps(layer(strided), layer(x)[::2])


@each_member
def test_without_bias(member):
    layer, x = single(member, bias=False)
    assert not {"bias", "conv.bias"} & dict(layer.named_parameters()).keys()
    assert "bias=False" in repr(layer)
    layer(x).sum().backward()


@each_member
def test_device_and_dtype_reach_every_parameter_and_can_change(member):
    layer = member.make(member.shape(GROUPED), device="meta", dtype=torch.float64)
    assert {(p.device.type, p.dtype) for p in layer.parameters()} == {("meta", torch.float64)}
    y = layer(GROUPED.images().to("meta"))
    layer, x = single(member)
    exact = copy.deepcopy(layer).double()
    assert exact(x.double()).shape[1:] == y.shape[1:]
    assert_equal_maps(layer(x).double(), exact(x.double()), tolerance=1e-3)


def state_of(module):
    """What `torch.nn.DataParallel` would lose in its replicas: everything in a module but its tensors."""
    return {
        (name, key): repr(value)
        for name, child in module.named_modules()
        for key, value in vars(child).items()
        if key not in ("_parameters", "_modules")
    }


@each_member
def test_computing_writes_nothing_into_the_layer(member):
    layer, x = single(member)
    before = state_of(layer)
    identities = [id(parameter) for parameter in layer.parameters()]
    layer(x.requires_grad_()).sum().backward()
    with torch.no_grad():
        layer(x)
    assert state_of(layer) == before
    assert [id(parameter) for parameter in layer.parameters()] == identities


@each_member
def test_a_layer_in_two_threads_at_once_gives_what_it_gives_in_one(member):
    layer, x = single(member)
    images = [x, x + 1]
    expected = [layer(image).detach() for image in images]
    results, start = [[], []], threading.Barrier(2)

    def work(index):
        start.wait()
        for _ in range(5):
            y = layer(images[index])
            torch.autograd.grad(y.sum(), list(layer.parameters()))
            results[index].append(y.detach())

    threads = [threading.Thread(target=work, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for found, y in zip(results, expected, strict=True):
        assert len(found) == 5
        assert all(torch.equal(one, y) for one in found)


@each_member
def test_a_replica_whose_parameters_are_plain_tensors(member):
    """What `torch.nn.parallel.replicate` makes: `vars` copied, parameters that are results of a broadcast."""
    layer, x = single(member)
    twin = replica(layer)
    assert_equal_maps(twin(x), layer(x), tolerance=1e-4)
    twin(x).square().sum().backward()
    got = [parameter.grad.clone() for parameter in layer.parameters()]
    layer.zero_grad()
    layer(x).square().sum().backward()
    for actual, parameter in zip(got, layer.parameters(), strict=True):
        assert_equal_maps(actual, parameter.grad, tolerance=1e-4)


@pytest.mark.parametrize("weights", ["row+column", "full"])
def test_the_computation_can_change_between_two_calls(weights):
    layer, x = single(FAMILY[f"{weights} softmax kernel"])
    outputs = []
    for computation in ("bank", "kernel", "auto"):
        layer.computation = computation
        outputs.append(layer(x))
    for y in outputs[1:]:
        assert_equal_maps(y, outputs[0], tolerance=1e-4)
