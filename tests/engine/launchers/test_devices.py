import pytest
import torch

from lrlc_nas.engine.launchers import default_workers, require_device, worker_devices
from lrlc_nas.errors import InputError


@pytest.fixture(params=[0, 1, 3])
def gpus(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """A machine with so many GPUs."""
    number: int = request.param
    monkeypatch.setattr(torch.cuda, "device_count", lambda: number)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: number > 0)
    return number


def test_one_worker_for_each_gpu_by_default(gpus: int) -> None:
    assert default_workers(None) == default_workers("cuda") == max(1, gpus)
    assert default_workers("cpu") == default_workers("cuda:0") == 1


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_gpus_are_dealt_out_in_turn(gpus: int, workers: int) -> None:
    devices = worker_devices(None, workers)
    assert len(devices) == workers
    if not gpus:
        assert set(devices) == {"cpu"}
        return
    shares = [devices.count(f"cuda:{index}") for index in range(gpus)]
    assert sum(shares) == workers
    assert max(shares) - min(shares) <= 1


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
def test_a_named_device_is_everybodys(gpus: int, device: str) -> None:
    assert worker_devices(device, 3) == [device] * 3


def test_devices_of_this_machine_are_accepted_and_no_others(gpus: int) -> None:
    require_device("cpu")
    for index in range(gpus):
        require_device(f"cuda:{index}")
    with pytest.raises(InputError, match=rf"which has {gpus} GPUs; got 'cuda:{gpus}'"):
        require_device(f"cuda:{gpus}")
    if gpus:
        require_device("cuda")
    else:
        with pytest.raises(InputError, match=r"which has 0 GPUs; got 'cuda'"):
            require_device("cuda")


@pytest.mark.parametrize("device", ["", "gpu", "meta", "cuda:x", "cuda:-1", "mps"])
def test_other_words_are_refused(device: str) -> None:
    with pytest.raises(InputError, match=rf"--device must be cpu, cuda or cuda:N; got '{device}'"):
        require_device(device)
