"""What every layer gets from its base and from the factory."""

import pytest
import torch

import renorm
from renorm.core.errors import OptionError, OptionTypeError, ShapeError, UnknownNameError
from renorm.nn import BatchNorm, FilterResponseNorm, RMSNorm, for_channels


def test_the_class_has_its_card():
    assert BatchNorm.card.key == "nn.batch_norm" and renorm.get("nn.batch_norm") is BatchNorm
    assert {"BatchNorm", "FilterResponseNorm", "RMSNorm", "for_channels"} <= set(renorm.nn.__all__)


def test_representations_name_every_option():
    assert repr(FilterResponseNorm(3, eps=0.1)) == "FilterResponseNorm(3, eps=0.1, threshold=True, learn_eps=False)"
    assert repr(RMSNorm((3, 4))) == "RMSNorm((3, 4), eps=None, elementwise_affine=True)"


@pytest.mark.parametrize(
    ("shape", "hint"),
    [((2, 5, 7), "make the layer for 5 channels"), ((2, 7, 4), r"x.movedim\(-1, 1\)"), ((4,), "at least 2: unsqueeze")],
)
def test_shapes_are_refused_with_a_way_out(shape, hint):
    with pytest.raises(ShapeError, match=rf"expected shape \(N, 4, \.\.\.\), got shape .*{shape[0]}.*{hint}"):
        BatchNorm(4)(torch.zeros(shape))


def test_integers_are_refused():
    with pytest.raises(OptionTypeError, match=r"torch.int64.*x.float\(\)"):
        BatchNorm(4)(torch.zeros(2, 4, dtype=torch.int64))


def test_compiled_a_batch_without_real_entries_is_refused_when_it_runs():
    compiled = torch.compile(BatchNorm(2), fullgraph=True, backend="aot_eager")
    x, mask = torch.ones(3, 2, 4), torch.ones(3, 4, dtype=torch.bool)
    assert compiled(x, mask).shape == x.shape
    with pytest.raises(RuntimeError, match="fewer than 2 real entries"):
        compiled(x, ~mask)


def test_for_channels_finds_layers_by_any_name_and_passes_options_on():
    for name in ("batch_norm", "BN", "nn.batch_norm"):
        layer = for_channels(name, 6, eps=0.5, dtype=torch.float64)
        assert type(layer) is BatchNorm and layer.eps == 0.5
        assert layer.weight.shape == (6,) and layer.weight.dtype == torch.float64


def test_for_channels_normalizes_channels_wherever_the_layer_has_them():
    x = torch.arange(24.0).reshape(2, 3, 4) + 1
    y = for_channels("rms_norm", 3, dims=1)(x)
    assert torch.allclose(y.square().mean(1), torch.ones(2, 4)) and type(for_channels("rms_norm", 3, dims=0)) is RMSNorm


@pytest.mark.parametrize(
    ("args", "error", "words"),
    [
        (("bach_norm", 3), UnknownNameError, "batch_norm"),
        (("table.standard", 3), OptionError, "a layer of renorm.nn"),
        (("batch_norm", 0), OptionError, "channels: expected an int of at least 1, got 0"),
        (("batch_norm", 3.0), OptionError, "got 3.0"),
        (("batch_norm", 3, -1), OptionError, "dims: expected an int of at least 0, got -1"),
    ],
)
def test_for_channels_names_what_is_wrong(args, error, words):
    with pytest.raises(error, match=words):
        for_channels(*args)


def test_for_channels_leaves_misspelt_options_to_python():
    with pytest.raises(TypeError, match="epsilon"):
        for_channels("batch_norm", 3, epsilon=1)
