import pytest
import torch

from lrlc_nas.engine.launchers import default_workers, require_device, worker_devices, worker_threads
from lrlc_nas.errors import InputError


@pytest.fixture(params=[0, 1, 3])
def gpus(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """A machine with so many GPUs."""
    number: int = request.param
    monkeypatch.setattr(torch.cuda, "device_count", lambda: number)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: number > 0)
    return number


@pytest.fixture
def cores(monkeypatch: pytest.MonkeyPatch) -> int:
    """A machine with two cores, whose user has not set the threads of a process."""
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return 2


def test_one_worker_for_each_gpu_or_for_each_core_by_default(gpus: int, cores: int) -> None:
    assert default_workers(None) == (gpus or cores)
    assert default_workers("cuda") == max(1, gpus)
    assert default_workers("cpu") == cores
    assert default_workers("cuda:0") == 1


@pytest.mark.parametrize("asked", ["", "0", "1", "2", "3", "many"])
@pytest.mark.parametrize("number", [None, 1, 2, 3, 4, 64])
def test_workers_on_the_cpu_are_few_and_share_its_cores(
    number: int | None, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: number)
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    workers = default_workers("cpu")
    assert 1 <= workers <= 4
    assert workers == 1 or workers * worker_threads(workers) <= (number or 1)
    if asked in ("1", "2", "3"):
        assert worker_threads(workers) == int(asked)


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
