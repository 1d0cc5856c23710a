import pytest

from lrlc_nas.benchmarks.sizes import OTHERS, REFERENCE, Size
from lrlc_nas.errors import InputError


def test_what_is_not_named_is_as_in_the_reference() -> None:
    assert Size.parse("B=128") == REFERENCE == Size(64, 64, (3, 3), (28, 28), 128, 0, 1)
    assert Size.parse("C=8,F=6,kernel=1x3,input=7x9,B=5,padding=1,groups=2") == Size(8, 6, (1, 3), (7, 9), 5, 1, 2)
    assert Size.parse("kernel=5,input=14") == Size(kernel_size=(5, 5), input_size=(14, 14))


def test_every_size_has_a_geometry() -> None:
    assert REFERENCE.geometry.output_size == (26, 26)
    assert [size.geometry.output_size for size in OTHERS] == [(12, 12), (14, 14), (30, 30), (12, 12)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"--size takes C, F, kernel, input, B, padding, groups as KEY=NUMBER,...; got ''"),
        ("H=3", r"--size takes .*; got 'H=3'"),
        ("C=3,", r"--size takes .*; got ''"),
        ("C=-3", r"--size requires a number for C; got '-3'"),
        ("B", r"--size requires a number for B; got ''"),
        ("input=3x4x5", r"--size requires N or ROWSxCOLUMNS for input; got '3x4x5'"),
        ("B=0", r"--size requires B of at least 1; got 'B=0'"),
        ("input=2", r"--size input=2: the kernel does not fit"),
        ("C=6,groups=4", r"--size C=6,groups=4: in_channels \(=6\) must be divisible by groups"),
    ],
)
def test_wrong_words(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Size.parse(text)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (REFERENCE, "64->64 3x3, input 28x28, batch 128"),
        (Size(4, 4, padding=1, groups=4), "4->4 3x3, input 28x28, batch 128, padding 1, groups 4"),
    ],
)
def test_words_for_a_size(size: Size, words: str) -> None:
    assert str(size) == words
