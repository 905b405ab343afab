"""Evidence for nn.filter_response_norm."""

import numpy as np
import pytest
import torch

import renorm
from renorm.testing import Case, assert_close, golden, rng
from renorm.testing.checks_nn import outputs

METHOD = "nn.filter_response_norm"
_FACTOR = "response * inverse.square() * scale / count"
_LINE = f"dx = torch.mul(gated, scale, out=buffer).addcmul_(x, {_FACTOR}, value=-1)"
EQUIVALENT = {
    f"{_LINE} -> {_LINE.replace('gated, scale', 'scale, gated')}": "a product commutes",
    f"{_LINE} -> {_LINE.replace(f'x, {_FACTOR}', f'{_FACTOR}, x')}": "a product commutes",
}


def cases():
    r = rng("filter_response_norm")

    def case(id, shape, names="weight bias tau", mask=False, scale=1.0, dtype=np.float64, **options):
        parameters = {n: r.normal(size=() if n == "extra_eps" else shape[1]).astype(dtype) for n in names.split()}
        extra = {"parameters": parameters} | ({"mask": r.random((shape[0], *shape[2:])) < 0.6} if mask else {})
        return Case(id, (r.normal(size=shape) * scale).astype(dtype), {"num_features": shape[1], **options}, extra)

    all_padding = case("all padding", (3, 2, 5), mask=True)
    all_padding.extra["mask"][1] = False
    return [
        case("images", (3, 4, 5, 2)),
        case("sequences, large eps", (2, 3, 7), eps=0.3),
        case("volumes", (2, 2, 3, 2, 4), scale=1e-3),
        case("no threshold", (3, 2, 5), "weight bias", threshold=False),
        case("learnt eps", (2, 3, 2, 2), "weight bias tau extra_eps", learn_eps=True, eps=0.1),
        case("learnt eps, no threshold", (2, 3, 4), "weight bias extra_eps", learn_eps=True, threshold=False, mask=True),
        case("mask", (3, 2, 4, 3), mask=True, eps=0.05),
        case("mask, no threshold", (2, 3, 6), "weight bias", mask=True, threshold=False),
        all_padding,
        case("1x1 maps", (3, 4, 1, 1), eps=0.2),
        case("float32", (3, 2, 9, 5), dtype=np.float32),
    ]


def oracle(case):
    p = {n: np.asarray(a, np.float64) for n, a in case.extra["parameters"].items()}
    x = np.asarray(case.x, np.float64)
    mask = case.extra.get("mask", np.ones((len(x), *x.shape[2:]), bool)).reshape(len(x), -1)
    y = np.zeros((*x.shape[:2], mask.shape[1]))
    eps = case.options.get("eps", 1e-6) + abs(p.get("extra_eps", 0.0))
    for n, c in np.ndindex(*x.shape[:2]):
        row = x[n, c].reshape(-1)
        total, count = 0.0, 0
        for v, real in zip(row, mask[n], strict=True):
            if real:
                total, count = total + v * v, count + 1
        for i in np.flatnonzero(mask[n]):
            z = row[i] / (total / count + eps) ** 0.5 * p["weight"][c] + p["bias"][c]
            y[n, c, i] = max(z, p["tau"][c]) if "tau" in p else z
    return {"y": y.reshape(x.shape)}


def check_vectors(name, activation=None, **options):
    v = golden(name)
    dtype = v["meta"]["dtype"]
    names = [n.removeprefix("param.") for n in v if n.startswith("param.")]
    # timm's eps is 1e-5; the paper's, and the default here, 1e-6
    layer = renorm.get(METHOD)(4, eps=1e-5, threshold="tau" in names, dtype=getattr(torch, dtype))
    layer.load_state_dict({n: torch.as_tensor(v[f"param.{n}"]) for n in names}, strict=True)
    x = torch.as_tensor(v["x"]).requires_grad_()
    y = torch.relu(layer(x)) if activation else layer(x)
    got = torch.autograd.grad(y, [x, *(layer.get_parameter(n) for n in names)], torch.as_tensor(v["gy"]))
    for g, key in zip((y.detach(), *got), ("y", "gx", *(f"grad.{n}" for n in names)), strict=True):
        assert_close(g.numpy(), v[key], op="vector", dtype=dtype, what=f"{name}: {key}")


def test_vectors_of_timm():
    check_vectors("frn_tlu__fwdbwd_float64")
    check_vectors("frn_tlu__fwdbwd_float64_noact")
    check_vectors("frn_tlu__fwdbwd_float32")
    check_vectors("frn_act__fwdbwd_float32", activation="relu")


def test_a_new_layer_starts_as_the_paper_says():
    layer = renorm.get(METHOD)(3, learn_eps=True)
    start = {n: p.tolist() for n, p in layer.named_parameters()}
    assert_close(start.pop("extra_eps"), 1e-4, op="elementwise", dtype="float32")
    assert start == {"weight": [1.0] * 3, "bias": [0.0] * 3, "tau": [0.0] * 3}
    assert renorm.get("FRN") is renorm.get(METHOD)


def test_eager_and_the_plain_formula_agree_at_the_kink():
    layer = renorm.get(METHOD)(2, dtype=torch.float64)  # a channel of zeros sits exactly on tau
    x = torch.zeros(1, 2, 3, dtype=torch.float64)
    x[0, 1] = torch.tensor([1.0, -2.0, 0.0])
    x.requires_grad_()
    leaves = [x, *layer.parameters()]
    eager = torch.autograd.grad(layer(x).sum(), leaves)
    plain = torch.autograd.grad(layer(x).sum(), leaves, create_graph=True)
    for a, b in zip(eager, plain, strict=True):
        assert_close(a.numpy(), b.detach().numpy(), op="elementwise")


def test_gradients_of_masked_data_are_those_of_the_data_alone():
    r = rng("frn mask")
    x, parameters = r.normal(size=(2, 3, 5)), {n: r.normal(size=3) for n in ("weight", "bias", "tau")}
    gy = r.normal(size=x.shape)
    alone = outputs(renorm.get(METHOD), Case("frn", x, {"num_features": 3}, {"parameters": parameters, "gy": gy}))
    more = np.full((2, 3, 2), np.nan)
    mask = np.arange(7)[None].repeat(2, 0) < 5
    extra = {"parameters": parameters, "gy": np.concatenate([gy, np.ones_like(more)], -1), "mask": mask}
    both = outputs(renorm.get(METHOD), Case("frn", np.concatenate([x, more], -1), {"num_features": 3}, extra))
    for name, want in alone.items():
        assert_close(both[name][..., :5] if name in ("y", "gx") else both[name], want, op="reduction", what=name)


def test_refusals():
    cls = renorm.get(METHOD)
    for options, word in (({"eps": -1e-9}, "-1e-09"), ({"num_features": 0}, "0")):
        with pytest.raises(renorm.RenormError, match=f"got {word}"):
            cls(**{"num_features": 4, **options})
    assert cls(1, eps=0.0).num_features == 1
    with pytest.raises(renorm.RenormError, match=r"\(3, 4\)"):
        cls(4)(torch.zeros(3, 4))  # no positions
