"""Evidence for nn.rms_norm."""

import numpy as np
import pytest
import torch

import renorm
from renorm.testing import Case, assert_close, golden, rng
from renorm.testing.checks_nn import outputs

METHOD = "nn.rms_norm"


def cases():
    r = rng("rms_norm")

    def case(id, lead, shape, dtype=np.float64, **options):
        full = np.atleast_1d(shape)
        parameters = {"weight": r.normal(size=full).astype(dtype)} if options.get("elementwise_affine", True) else {}
        x = r.normal(size=(*lead, *full)).astype(dtype)
        return Case(id, x, {"normalized_shape": shape, **options}, {"parameters": parameters})

    return [
        case("tokens", (2, 5), 6),
        case("large eps", (4,), 7, eps=0.3),
        case("two dims", (3, 2), (4, 5), eps=1e-5),
        case("no weight", (3, 5), [4], elementwise_affine=False, eps=0.1),
        case("no weight, two dims", (3,), (5, 4), elementwise_affine=False),
        case("float32", (9,), 11, dtype=np.float32),
    ]


def oracle(case):
    shape = np.atleast_1d(case.options["normalized_shape"])
    size = int(np.prod(shape))
    weight = np.asarray(case.extra.get("parameters", {}).get("weight", np.ones(size)), np.float64).reshape(size)
    eps = case.options.get("eps")
    eps = np.finfo(case.extra.get("dtype", case.x.dtype)).eps if eps is None else eps
    y = np.empty((case.x.size // size, size))
    for i, row in enumerate(np.asarray(case.x, np.float64).reshape(-1, size)):
        total = 0.0
        for v in row:
            total += v * v
        for j in range(size):
            y[i, j] = row[j] / (total / size + eps) ** 0.5 * weight[j]
    return {"y": y.reshape(case.x.shape)}


def check_vectors(name, options, parameters):
    v = golden(name)
    case = Case(name, v["x"], options, {"parameters": parameters(v), "gy": v["gy"]})
    got = outputs(renorm.get(METHOD), case)
    for key, want in (("y", v["y"]), ("gx", v["gx"]), ("grad.weight", v.get("grad.weight", v.get("grad.g")))):
        assert_close(got[key], want, op="vector", what=f"{name}: {key}")


def test_vectors_of_torch():
    check_vectors("rms_norm__last1", {"normalized_shape": 6, "eps": 1e-6}, lambda v: {"weight": v["param.weight"]})
    check_vectors("rms_norm__defaulteps", {"normalized_shape": (3, 4)}, lambda v: {"weight": v["param.weight"]})


def test_vectors_of_a_layer_without_eps():
    check_vectors("rmsnorm_xt__xtransformers", {"normalized_shape": 6, "eps": 0.0}, lambda v: {"weight": v["param.g"]})


def test_vectors_of_images_through_for_channels():
    v = golden("rmsnorm2d__fwdbwd_float64")
    layer = renorm.nn.for_channels("rms_norm", 5, eps=1e-6, dtype=torch.float64)
    layer.load_state_dict({"layer.weight": torch.as_tensor(v["param.weight"])})
    x = torch.as_tensor(v["x"]).requires_grad_()
    y = layer(x)
    gx, gw = torch.autograd.grad(y, [x, layer.layer.weight], torch.as_tensor(v["gy"]))
    for got, want in ((y.detach(), v["y"]), (gx, v["gx"]), (gw, v["grad.weight"])):
        assert_close(got.numpy(), want, op="vector")


def test_the_default_eps_is_that_of_the_dtype():
    for dtype, scale in (("float64", 1e-8), ("float32", 1e-4)):
        x = (rng("default eps").normal(size=(3, 5)) * scale).astype(dtype)
        case = Case(f"small {dtype}", x, {"normalized_shape": 5, "elementwise_affine": False})
        assert_close(outputs(renorm.get(METHOD), case)["y"], oracle(case)["y"], op="reduction", dtype=dtype)


def test_it_is_torchs_layer():
    cls = renorm.get(METHOD)
    ours, theirs = cls((3, 4), eps=0.1), torch.nn.RMSNorm((3, 4), eps=0.1)
    assert isinstance(ours, torch.nn.RMSNorm) and ours.eps == 0.1
    torch.nn.init.normal_(theirs.weight)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = torch.as_tensor(rng("torch's rms_norm").normal(size=(2, 3, 4)), dtype=torch.float32)
    assert_close(ours(x).detach().numpy(), theirs(x).detach().numpy(), op="reduction", dtype="float32")


def test_refusals():
    cls = renorm.get(METHOD)
    for options, word in (({"eps": -1e-9}, "-1e-09"), ({"eps": float("nan")}, "nan"), ({"eps": "small"}, "small")):
        with pytest.raises(renorm.RenormError, match=word):
            cls(4, **options)
    for shape in ((3, 5), (4,)):
        with pytest.raises(renorm.RenormError, match=r"\(\*, 3, 4\), got shape \(2, " + str(shape[0])):
            cls((3, 4))(torch.zeros(2, *shape))
