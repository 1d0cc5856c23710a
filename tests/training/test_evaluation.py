import math

import pytest
import torch
from torch import nn
from toy_training import MEAN, SEARCH, STD, make_network, make_subset

from lrlc_nas.errors import InputError
from lrlc_nas.training import evaluate, predict_logits
from lrlc_nas.training.placement import Placement

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def normalised(images):
    """The slow oracle: one pixel at a time, in Python's own arithmetic."""
    out = torch.empty(images.shape)
    for n in range(images.shape[0]):
        for c in range(3):
            for y in range(images.shape[2]):
                for x in range(images.shape[3]):
                    out[n, c, y, x] = (int(images[n, c, y, x]) / 255 - MEAN[c]) / STD[c]
    return out


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("batch_size", [1, 5, 12, 100])
def test_evaluate_against_a_plain_loop(device, batch_size):
    network = make_network().eval()
    losses, correct = [], []
    for image, label in zip(normalised(SEARCH.images), SEARCH.labels, strict=True):
        logits = network(image[None])[0].tolist()
        losses.append(math.log(sum(math.exp(z) for z in logits)) - logits[label])
        correct.append(max(range(3), key=logits.__getitem__) == label)
    loss, accuracy = evaluate(
        network, SEARCH, mean=MEAN, std=STD, device=device, batch_size=batch_size, precision="float32"
    )
    assert loss == pytest.approx(sum(losses) / 12, rel=1e-5)
    assert accuracy == sum(correct) / 12


@pytest.mark.parametrize("device", DEVICES)
def test_logits_against_a_plain_loop(device):
    network = make_network().eval()
    expected = torch.cat([network(image[None]) for image in normalised(SEARCH.images)])
    logits = predict_logits(
        network, SEARCH.images, mean=MEAN, std=STD, device=device, batch_size=5, precision="float32"
    )
    assert logits.dtype == torch.float32
    assert logits.device.type == "cpu"
    torch.testing.assert_close(logits, expected.detach())


@pytest.mark.parametrize("training", [True, False])
def test_leaves_no_trace(training):
    network = make_network().train(training)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.get_rng_state()
    evaluate(network, SEARCH, mean=MEAN, std=STD)
    assert network.training is training
    assert torch.equal(torch.get_rng_state(), state)
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_mode_is_put_back_after_an_error():
    network = nn.Sequential(nn.Flatten(), nn.Linear(5, 3))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        evaluate(network, SEARCH, mean=MEAN, std=STD)
    assert network.training


def test_channels_last_changes_layout_and_not_meaning():
    network, seen = make_network().eval(), []
    network[0].register_forward_pre_hook(
        lambda _, inputs: seen.append(inputs[0].is_contiguous(memory_format=torch.channels_last))
    )
    usual = predict_logits(network, SEARCH.images, mean=MEAN, std=STD, channels_last="never")
    assert not network[0].weight.is_contiguous(memory_format=torch.channels_last)
    last = predict_logits(network, SEARCH.images, mean=MEAN, std=STD, channels_last="always")
    assert network[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert seen == [False, True]
    torch.testing.assert_close(usual, last)


def test_channels_last_leaves_other_weights_alone():
    network = nn.ParameterList([torch.zeros(2, 3, 4, 5, 6), torch.zeros(2, 3, 4, 5)])
    strides = [parameter.stride() for parameter in network]
    Placement.of("cpu", mean=MEAN, std=STD, channels_last="always").place(network)
    assert [parameter.stride() for parameter in network] == strides


def test_bf16_runs_the_convolution_in_bf16():
    network, seen = make_network(), []
    network[0].register_forward_hook(lambda _, inputs, output: seen.append(output.dtype))
    logits = predict_logits(network, SEARCH.images, mean=MEAN, std=STD, precision="bf16")
    exact = predict_logits(network, SEARCH.images, mean=MEAN, std=STD)
    assert seen == [torch.bfloat16, torch.float32]
    assert logits.dtype == torch.float32
    torch.testing.assert_close(logits, exact, atol=0.05, rtol=0.05)


def test_one_mean_serves_any_number_of_channels():
    one = predict_logits(make_network(), SEARCH.images, mean=[0.5], std=[0.5])
    three = predict_logits(make_network(), SEARCH.images, mean=[0.5] * 3, std=[0.5] * 3)
    assert torch.equal(one, three)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"mean": (0.5, 0.5)}, "mean and std must have the same length, but have 2 and 3"),
        ({"mean": (0.5, 0.5), "std": (1, 1)}, "images have 3 channels, but mean and std have 2"),
        ({"std": (0.2, 0.0, 0.2)}, r"std must be above 0 for each channel, but is \[0.2, 0.0, 0.2\]"),
        ({"mean": (0.5, math.nan, 0.5)}, r"mean must hold a finite number .* but is \[0.5, nan, 0.5\]"),
        ({"precision": "half"}, "precision must be one of auto, float32, bf16, but is 'half'"),
        ({"channels_last": "yes"}, "channels_last must be one of auto, always, never, but is 'yes'"),
        ({"batch_size": 0}, "batch_size must be at least 1, but is 0"),
        ({"images": SEARCH.images[:0]}, "at least 1 image is required, but there is none"),
        ({"images": SEARCH.images.float()}, r"must be uint8 .* but are torch.float32 of shape \(12, 3, 6, 6\)"),
        ({"images": SEARCH.images[0]}, r"must be uint8 .* but are torch.uint8 of shape \(3, 6, 6\)"),
    ],
)
def test_rejects(values, message):
    with pytest.raises(InputError, match=message):
        predict_logits(make_network(), **{"images": SEARCH.images, "mean": MEAN, "std": STD, **values})


def test_the_oracle_can_tell_networks_apart():
    measured = [evaluate(make_network(seed), make_subset(30, seed=5), mean=MEAN, std=STD)[0] for seed in (0, 1)]
    assert measured[0] != measured[1]
