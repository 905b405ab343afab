"""Evidence for nn.batch_norm."""

import copy
import tempfile
from unittest import mock

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch.utils.checkpoint import checkpoint

import renorm
from renorm.testing import Case, assert_close, golden, rng
from renorm.testing.checks_nn import build, inputs, outputs, run_layer

METHOD = "nn.batch_norm"
_LINE = "mean, var = torch.zeros_like(self.running_mean), torch.zeros_like(self.running_mean)"
_REASON = "the kernel, at momentum 1, writes over whatever finite number is there"
EQUIVALENT = {
    f"{_LINE} -> mean, var = (torch.ones_like(self.running_mean), torch.zeros_like(self.running_mean))": _REASON,
    f"{_LINE} -> mean, var = (torch.zeros_like(self.running_mean), torch.ones_like(self.running_mean))": _REASON,
}


def cases():
    r = rng("batch_norm")

    def case(id, shape, mask=False, mode="train", dtype=np.float64, **options):
        c = shape[1]
        p = {"weight": r.normal(size=c), "bias": r.normal(size=c)} if options.get("affine", True) else {}
        if options.get("track_running_stats", True):
            p |= {"running_mean": r.normal(size=c), "running_var": r.uniform(0.5, 2, c), "num_batches_tracked": np.array(6)}
        p = {n: a.astype(dtype) if a.ndim else a for n, a in p.items()}
        extra = {"parameters": p, "mode": mode} | ({"mask": r.random((shape[0], *shape[2:])) < 0.6} if mask else {})
        x = (r.normal(size=shape) * 2 + 1).astype(dtype)
        return Case(id, x, {"num_features": c, **options}, extra)

    return [
        case("images", (3, 4, 5, 2)),
        case("rows, large eps", (7, 3), eps=0.3),
        case("volumes, momentum", (2, 2, 3, 2, 4), momentum=0.35),
        case("average of all batches", (3, 2, 5), momentum=None),
        case("no affine", (3, 2, 5), affine=False),
        case("no running statistics", (3, 2, 5), track_running_stats=False),
        case("eval", (3, 2, 4), mode="eval", eps=0.2),
        case("eval, no running statistics", (3, 2, 4), mode="eval", track_running_stats=False),
        case("mask", (3, 2, 4, 3), mask=True, eps=0.1),
        case("mask, rows", (9, 3), mask=True, momentum=0.6),
        case("mask, average of all batches", (3, 2, 5), mask=True, momentum=None, affine=False),
        case("mask, no running statistics", (4, 2, 5), mask=True, track_running_stats=False, mode="eval"),
        case("mask, eval", (3, 2, 5), mask=True, mode="eval"),
        case("float32", (4, 3, 9), dtype=np.float32),
        case("mask, float32", (4, 3, 9), mask=True, dtype=np.float32),
    ]


def oracle(case):
    p, o = case.extra["parameters"], {"eps": 1e-5, "momentum": 0.1, **case.options}
    x = np.asarray(case.x, np.float64)
    c = x.shape[1]
    mask = np.broadcast_to(np.expand_dims(case.extra.get("mask", np.ones((len(x), *x.shape[2:]), bool)), 1), x.shape)
    running = {n: np.array(p[n], np.float64) for n in ("running_mean", "running_var") if n in p}
    train = case.extra.get("mode", "train") == "train"
    count = int(p.get("num_batches_tracked", 0)) + train
    y = np.zeros(x.shape)
    for j in range(c):
        real = [float(v) for v, m in zip(x[:, j].ravel(), mask[:, j].ravel(), strict=True) if m]
        n = len(real)
        mean = sum(real) / n
        squares = sum((v - mean) ** 2 for v in real)
        var = squares / n
        if running and not train:
            mean, var = running["running_mean"][j], running["running_var"][j]
        elif running:
            rate = 1 / count if o["momentum"] is None else o["momentum"]
            for name, new in (("running_mean", mean), ("running_var", squares / (n - 1))):
                running[name][j] = (1 - rate) * running[name][j] + rate * new
        gain, shift = (p["weight"][j], p["bias"][j]) if "weight" in p else (1.0, 0.0)
        for i in np.ndindex(x[:, j].shape):
            if mask[:, j][i]:
                y[:, j][i] = (x[:, j][i] - mean) / (var + o["eps"]) ** 0.5 * gain + shift
    states = running | ({"num_batches_tracked": count} if running else {})
    return {"y": y} | {f"state_after.{n}": v for n, v in states.items()}


def stream(name, mask, **options):
    """Run golden steps, without a mask or with one that is all true: the two ways through the layer."""
    v = golden(name)
    layer = renorm.get(METHOD)(v["x_0"].shape[1], dtype=torch.float64, **options)
    layer.load_state_dict({n.split(".")[1]: torch.as_tensor(v[n]) for n in v if n.startswith(("param.", "state_before."))})
    steps = sum(n.startswith("x_") for n in v) - 1
    for i in range(steps):
        x = v[f"x_{i}"]
        extra = {"gy": v[f"gy_{i}"]} | ({"mask": np.ones((len(x), *x.shape[2:]), bool)} if mask else {})
        got = run_layer(layer, Case(f"{name} {i}", x, {}, extra))
        want = {k: v[n] for n in v for k in [n.replace(f"_{i}", "")] if f"_{i}" in n}
        for key in want.keys() - {"x", "gy"}:
            assert_close(got[key], want[key], op="vector", what=f"{name} step {i}: {key}")
    y = layer.eval()(torch.as_tensor(v["x_eval"]))
    assert_close(y.detach().numpy(), v["y_eval"], op="vector", what=f"{name}: y_eval")


def test_vectors_of_torch():
    for mask in (False, True):
        stream("batch_norm__2d_steps3", mask)
        stream("batch_norm__2d_cumulative", mask, momentum=None)
        stream("batch_norm__3d_notrack", mask, track_running_stats=False)


def test_checkpoints_of_torch_load():
    for theirs, shape in ((torch.nn.BatchNorm2d(3), (4, 3, 2, 5)), (torch.nn.SyncBatchNorm(3), (4, 3, 6))):
        ours = renorm.get(METHOD)(3)
        assert isinstance(ours, torch.nn.modules.batchnorm._BatchNorm)
        x = torch.as_tensor(rng("torch's batch_norm").normal(size=shape), dtype=torch.float32)
        torch.nn.init.normal_(theirs.weight)
        ours.load_state_dict(theirs.state_dict(), strict=True)
        theirs.load_state_dict(ours.state_dict(), strict=True)
        for mode in (True, False):
            assert_close(ours.train(mode)(x).detach(), theirs.train(mode)(x).detach(), op="reduction", dtype="float32")


def test_masked_running_statistics_are_those_of_the_unpadded_data():
    r = rng("unpadded")
    layer, plain = (renorm.get(METHOD)(2, dtype=torch.float64) for _ in range(2))
    for _ in range(5):
        lengths = r.integers(1, 7, 4)
        real = torch.arange(6)[None] < torch.as_tensor(lengths)[:, None]
        x = torch.as_tensor(r.normal(3, 2, (4, 2, 6)))
        y = layer(torch.where(real[:, None], x, torch.nan), real)
        rows = x.transpose(1, 2)[real]  # (n, 2)
        assert_close(y.transpose(1, 2)[real].detach(), plain(rows).detach(), op="reduction")
    for name, value in plain.state_dict().items():
        assert_close(layer.state_dict()[name], value, op="reduction", what=name)


def test_too_few_entries_are_refused_and_leave_the_state():
    layer = renorm.get(METHOD)(2)
    before = {n: t.clone() for n, t in layer.state_dict().items()}
    none = torch.zeros(3, 4, dtype=torch.bool)
    one = none.clone()
    one[1, 2] = True
    x = torch.zeros(3, 2, 4)
    for args, count in (((x, none), "0"), ((x, one), "1"), ((x[:1, :, :1],), "1")):
        with pytest.raises(renorm.RenormError, match=rf"BatchNorm.*got {count}[.]"):
            layer(*args)
    with pytest.raises(renorm.RenormError, match=r"got 1[.]"):
        renorm.get(METHOD)(1)(torch.zeros(1, 1))
    assert all(torch.equal(t, before[n]) for n, t in layer.state_dict().items())
    two = one.clone()
    two[0, 0] = True
    assert layer(torch.ones(3, 2, 4), two).shape == (3, 2, 4)
    assert layer(torch.ones(2, 2)).shape == (2, 2) and layer.eval()(torch.zeros(3, 2, 4), none).eq(0).all()
    assert layer.train()(torch.zeros(0, 2, 4), none[:0]).shape == (0, 2, 4) and layer.num_batches_tracked == 2


def test_micro_batches_move_the_running_statistics_each():
    case = cases()[0]
    layer = build(renorm.get(METHOD), case)
    x = torch.as_tensor(case.x)
    expected = layer.running_mean.clone()
    for part in x.split([1, 2]):
        layer(part).sum().backward()
        expected = 0.9 * expected + 0.1 * part.mean((0, 2, 3))
    assert_close(layer.running_mean, expected, op="reduction")


def test_checkpointing_counts_a_batch_once():
    for case in (c for c in cases() if c.id in ("images", "mask")):
        x, *mask = inputs(case)
        for reentrant in (False, True):
            once, again = build(renorm.get(METHOD), case), build(renorm.get(METHOD), case)
            grads = []
            for y in (
                lambda x, layer=once: layer(x, *mask).exp(),
                lambda x, layer=again: checkpoint(lambda x: layer(x, *mask).exp(), x, use_reentrant=reentrant),
            ):
                leaf = x.clone().requires_grad_()
                y(leaf).sum().backward()
                grads.append(leaf.grad)
            assert_close(grads[1], grads[0], op="elementwise")
            for name, value in once.state_dict().items():
                assert_close(again.state_dict()[name], value, op="exact", what=f"{case.id}: {name}")


def test_refusals():
    cls = renorm.get(METHOD)
    wrong = ({"eps": -1e-9}, "-1e-09"), ({"momentum": 1.5}, "1.5"), ({"momentum": -0.1}, "-0.1"), ({"num_features": 0}, "0")
    for options, word in wrong:
        with pytest.raises(renorm.RenormError, match=f"got {word}"):
            cls(**{"num_features": 4, **options})
    assert [cls(1, eps=0.0, momentum=m).momentum for m in (0.0, 1.0)] == [0.0, 1.0]


def test_sync_is_of_train_and_of_a_process_group_only():
    case = cases()[0]
    layer, want = build(renorm.get(METHOD), case, sync=True), outputs(renorm.get(METHOD), case)
    assert_close(run_layer(copy.deepcopy(layer), case)["y"], want["y"], op="exact")  # no group, one process
    with tempfile.TemporaryDirectory() as folder:
        dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=0, world_size=1)
        try:
            with mock.patch.object(dist, "all_reduce", wraps=dist.all_reduce) as reduce:
                layer.eval()(torch.as_tensor(case.x))
                build(renorm.get(METHOD), cases()[5], sync=True).eval()(torch.as_tensor(cases()[5].x))
                assert reduce.call_count == 0
                got = run_layer(layer.train(), case)
                assert reduce.call_count == 4  # two sums forward, two backward
        finally:
            dist.destroy_process_group()
    for name in want:
        assert_close(got[name], want[name], op="reduction", what=name)
