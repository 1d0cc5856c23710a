"""The battery, part four: compilers, exporters and function transforms read every member of the family."""

import copy

import onnxruntime
import pytest
import torch
from layer_family import FAMILY, GROUPED, SMALL, each_member, of_kind
from layer_oracles import SHAPES, assert_equal_maps, randomised
from torch import nn
from torch.autograd.functional import hessian, jacobian
from torch.func import functional_call, grad, jvp, stack_module_state, vmap

from lrlc_nas.layers import LowRankLocallyConnected2d, TiedBanksConv2d
from lrlc_nas.networks import fold, relax

# The first use of a formula of torch's own for forward mode compiles it in a deprecated way.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")


@pytest.fixture(autouse=True)
def _fresh_compiler():
    """All layers share one forward function, and a compiler reads one function only so many times."""
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def single(member, shape=SMALL, **options):
    return member.layer(shape, dtype=torch.float32, **options), shape.images(2, torch.float32)


def output_and_gradients(layer, call, x):
    x = x.clone().requires_grad_()
    y = call(x)
    leaves = [x, *layer.parameters()]
    return (y.detach(), *torch.autograd.grad(y.square().sum(), leaves))


def assert_same(actual, expected, tolerance=1e-4):
    for one, other in zip(actual, expected, strict=True):
        assert_equal_maps(one, other, tolerance * max(1.0, other.abs().max().item()))


# Compilers

# One case for each way to compute a layer; the others differ in where the combining weights come from.
WAYS = ("lc", "row+column softmax bank", "full none kernel", "rows-input softmax", "different banks", "tied", "coord")


@pytest.mark.parametrize(
    "member",
    [pytest.param(member, id=name, marks=() if name in WAYS else pytest.mark.slow) for name, member in FAMILY.items()],
)
def test_it_compiles_into_one_graph_forward_and_backward(member):
    layer, x = single(member)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    assert_same(output_and_gradients(layer, compiled, x), output_and_gradients(layer, layer, x))


@pytest.mark.slow
def test_it_compiles_to_machine_code():
    layer, x = single(FAMILY["full none kernel"])
    compiled = torch.compile(layer, fullgraph=True, backend="inductor")
    assert_same(output_and_gradients(layer, compiled, x), output_and_gradients(layer, layer, x))


# Exporters


@each_member
def test_it_exports(member):
    layer, x = single(member)
    program = torch.export.export(layer.eval(), (x,)).module()
    assert_equal_maps(program(x), layer(x), tolerance=1e-4)
    assert_equal_maps(program(x + 1), layer(x + 1), tolerance=1e-4)


def run_by_onnx(module, x, path):
    torch.onnx.export(module.eval(), (x,), path, dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession(path)
    (name,) = (entry.name for entry in session.get_inputs())
    return torch.from_numpy(session.run(None, {name: x.numpy()})[0])


class Relaxable(nn.Module):
    """What networks are made of."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1, bias=False, padding_mode="reflect")
        self.norm = nn.BatchNorm2d(8)
        self.second = nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=2)
        self.third = nn.Conv2d(8, 8, 1)
        self.logits = nn.Linear(8, 4)

    def forward(self, x):
        x = torch.relu(self.norm(self.first(x)))
        x = torch.relu(self.second(x))
        x = x + torch.relu(self.third(x))
        return self.logits(x.mean((2, 3)))


@pytest.mark.parametrize(
    "kind", [*(pytest.param(kind, marks=pytest.mark.slow) for kind in ("lc", "lc reflect", "conv")), "network"]
)
def test_what_is_folded_runs_in_another_runtime(kind, tmp_path):
    if kind == "network":
        x = torch.randn(2, 3, 8, 8)
        network = relax(Relaxable(), {"first": "lrlc-2", "second": "lrlc-3-full", "third": "lc"}, x)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(torch.randn_like(parameter) / 5)
    elif kind == "conv":
        network, x = FAMILY["tied"].make(SHAPES["groups"]), SHAPES["groups"].images(2, torch.float32)
    else:
        shape = SHAPES["groups" if kind == "lc" else "reflect"]
        network, x = single(FAMILY["row+column softmax kernel"], shape)
    network.eval()
    folded, expected = fold(network), network(x).detach()
    assert not {LowRankLocallyConnected2d, TiedBanksConv2d} & {type(module) for module in folded.modules()}
    y = run_by_onnx(folded, x, tmp_path / "folded.onnx")
    assert (y - expected).abs().max() < 1e-5 * expected.abs().max()


# Function transforms


@each_member
def test_other_parameters_are_used_without_being_written(member):
    layer, x = single(member)
    other = randomised(copy.deepcopy(layer))
    before = copy.deepcopy(layer.state_dict())
    y = functional_call(layer, dict(other.named_parameters()), (x,))
    assert_equal_maps(y, other(x), tolerance=1e-4)
    assert all(torch.equal(layer.state_dict()[name], tensor) for name, tensor in before.items())


@each_member
def test_each_image_mapped_is_the_batch(member):
    layer, x = member.layer(GROUPED), GROUPED.images(3)
    assert_equal_maps(vmap(layer)(x), layer(x))


@of_kind("lc", "row+column softmax bank", "full softmax kernel", "input softmax", "different banks kernel")
def test_several_layers_mapped_are_each_of_them(member):
    layers, x = [member.layer(SMALL) for _ in range(3)], SMALL.images()
    parameters, buffers = stack_module_state(layers)

    def call(parameters, buffers):
        return functional_call(layers[0], (parameters, buffers), (x,))

    assert_equal_maps(vmap(call)(parameters, buffers), torch.stack([layer(x) for layer in layers]))


@each_member
def test_the_gradients_of_each_image_are_those_of_autograd(member):
    layer, x = member.layer(GROUPED), GROUPED.images(2)
    parameters = {name: parameter.detach() for name, parameter in layer.named_parameters()}

    def loss(parameters, image):
        return functional_call(layer, parameters, (image,)).square().sum()

    mapped = vmap(grad(loss), in_dims=(None, 0))(parameters, x)
    for index, image in enumerate(x):
        gradients = torch.autograd.grad(layer(image).square().sum(), list(layer.parameters()))
        for name, expected in zip(parameters, gradients, strict=True):
            assert_equal_maps(mapped[name][index], expected, tolerance=1e-8)


@each_member
def test_forward_mode_is_the_transpose_of_backward_mode(member):
    layer, x = member.layer(GROUPED), GROUPED.images().requires_grad_()
    direction, y = torch.randn_like(x), layer(x)
    probe = torch.randn_like(y)
    backward = (torch.autograd.grad((y * probe).sum(), x)[0] * direction).sum()
    transformed, along = jvp(layer, (x.detach(),), (direction,))
    assert_equal_maps(transformed, y)
    assert_equal_maps((along * probe).sum(), backward, tolerance=1e-8)
    with torch.autograd.forward_ad.dual_level():
        dual = layer(torch.autograd.forward_ad.make_dual(x.detach(), direction))
        assert_equal_maps(torch.autograd.forward_ad.unpack_dual(dual).tangent, along)


@pytest.mark.parametrize("again", [False, True])
@each_member
def test_many_gradients_that_come_as_one(member, again):
    """As `torch.autograd.functional.jacobian` sends them with ``vectorize=True``."""
    layer, x = member.layer(SMALL), SMALL.images(1).requires_grad_()
    y, leaves = layer(x), [x, *layer.parameters()]
    directions = torch.randn(3, *y.shape, dtype=y.dtype)
    mapped = torch.autograd.grad(y, leaves, directions, is_grads_batched=True, retain_graph=True, create_graph=again)
    for index, direction in enumerate(directions):
        expected = torch.autograd.grad(y, leaves, direction, retain_graph=True)
        for all_of_them, one in zip(mapped, expected, strict=True):
            assert_equal_maps(all_of_them[index], one)
    if again:
        slopes = torch.autograd.grad(mapped[0].square().sum(), leaves[1:], allow_unused=True)
        assert any(slope is not None and slope.abs().max() > 0 for slope in slopes)


@each_member
def test_jacobians_and_hessians_in_one_pass(member):
    layer, x = member.layer(SMALL), SMALL.images(1)
    for of, function in ((jacobian, layer), (hessian, lambda x: layer(x).square().sum())):
        assert_equal_maps(of(function, x, vectorize=True), of(function, x), tolerance=1e-8)
