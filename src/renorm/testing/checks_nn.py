"""The battery of activation layers: what every torch module of `renorm.nn` must pass.

A case holds the input (a numpy array, its dtype is the dtype of the run), constructor arguments, and in ``extra``:
``parameters`` (parameters and buffers by name; what is missing is drawn from the case's name), ``mode`` ("train" or
"eval"), ``mask`` (True = real), ``gy`` (upstream gradient; else drawn from the case's name). An oracle may be asked about
rounded inputs in float64; ``dtype`` then names the dtype that the layer runs in.
"""

from __future__ import annotations

import copy
import inspect
import pickle
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck as torch_gradcheck
from torch.autograd import gradgradcheck as torch_gradgradcheck

from renorm.core.card import Card
from renorm.core.catalog import catalog
from renorm.core.errors import RenormError
from renorm.testing import docstrings
from renorm.testing.battery import Subject, check, subject
from renorm.testing.evidence import Case, rng
from renorm.testing.tolerance import assert_close, gap

Arrays = dict[str, np.ndarray]

_PLACES = ("device", "dtype", "sync")  # decided by checks of their own


# running a case


def build(cls: Any, case: Case, dtype: torch.dtype | None = None, **more: Any) -> Any:
    """Make the layer of a case, every parameter and floating buffer given or drawn, in the case's mode and dtype."""
    dtype = dtype or _dtype(case)
    layer = cls(**{**case.options, **more}, dtype=dtype)
    given = dict(case.extra.get("parameters", {}))
    draw = rng(case.id + " parameters")
    with torch.no_grad():
        for name, tensor in (*layer.named_parameters(), *layer.named_buffers()):
            if name in given:
                tensor.copy_(torch.as_tensor(given.pop(name)))
            elif isinstance(tensor, nn.Parameter):
                tensor.copy_(torch.as_tensor(draw.normal(size=tuple(tensor.shape)) + 0.2))
            elif tensor.is_floating_point():  # a running statistic: positive, so that it may be a variance
                tensor.copy_(torch.as_tensor(draw.uniform(0.5, 2.0, size=tuple(tensor.shape))))
    assert not given, f"{case.id}: no parameter or buffer {sorted(given)}"
    return layer.train(case.extra.get("mode", "train") == "train")


def _dtype(case: Case) -> torch.dtype:
    return torch.from_numpy(np.empty(0, np.asarray(case.x).dtype)).dtype


def inputs(case: Case, dtype: torch.dtype | None = None) -> tuple[Tensor, ...]:
    """Return x, and the mask where the case has one."""
    x = torch.as_tensor(np.array(case.x)).to(dtype or _dtype(case))
    return (x,) if case.extra.get("mask") is None else (x, torch.as_tensor(np.array(case.extra["mask"])))


def upstream(case: Case, y: Tensor) -> Tensor:
    """Return the gradient that comes from above: the case's own, or drawn from its name."""
    gy = case.extra.get("gy")
    return torch.as_tensor(rng(case.id + " gy").normal(size=tuple(y.shape)) if gy is None else np.array(gy)).to(y.dtype)


def run_layer(layer: Any, case: Case, dtype: torch.dtype | None = None, call: Any = None) -> Arrays:
    """Run a layer forward and backward on a case: y, gx, grad.NAME, state_after.NAME, in float64 or as they are."""
    x, *rest = inputs(case, dtype)
    x.requires_grad_()
    layer.zero_grad()
    y = (layer if call is None else call)(x, *rest)
    out: dict[str, Tensor] = {"y": y.detach()}
    if y.requires_grad:
        y.backward(upstream(case, y))
        out["gx"] = torch.zeros_like(x) if x.grad is None else x.grad
        out |= {f"grad.{n}": torch.zeros_like(p) if p.grad is None else p.grad for n, p in layer.named_parameters()}
    out |= {f"state_after.{n}": b.detach().clone() for n, b in layer.named_buffers()}
    return {n: (t.double() if t.is_floating_point() else t).cpu().numpy() for n, t in out.items()}


def outputs(cls: Any, case: Case) -> Arrays:
    """Everything that can be seen of a layer on a case: y, gx, grad.NAME, state_after.NAME."""
    return run_layer(build(cls, case), case)


def _name(case: Case) -> str:
    return str(np.asarray(case.x).dtype)


def _same(got: Arrays, want: Arrays, case: Case, op: str = "reduction", dtype: str = "") -> None:
    assert got.keys() == want.keys(), f"{case.id}: {sorted(got)} is not {sorted(want)}"
    for name in want:
        assert_close(got[name], want[name], op=op, dtype=dtype or _name(case), what=f"{case.id}: {name}")


def _f64(method: Subject) -> list[Case]:
    """Return the cases, in float64."""
    return [replace(c, x=np.asarray(c.x, dtype=np.float64)) for c in method.cases()]


def _kinds(cases: list[Case]) -> list[Case]:
    """Cases that together show every switch, and every pair of mode and mask: for checks that are dear."""
    kept, seen = [], set[Any]()
    for c in cases:
        switches = {(k, repr(v)) for k, v in c.options.items() if isinstance(v, bool | str | None)}
        shows = switches | {(c.extra.get("mode", "train"), c.extra.get("mask") is None)}
        if not shows <= seen:
            kept.append(c)
            seen |= shows
    return kept


def _takes_mask(card: Card) -> bool:
    return "mask" in inspect.signature(catalog().load(card.key).forward).parameters


def _has_sync(card: Card) -> bool:
    return "sync" in inspect.signature(catalog().load(card.key)).parameters


def _exact(card: Card) -> bool:
    return card.gradient == "exact"


# values and gradients


@check("nn", quick=True)
def oracle(method: Subject) -> None:
    """Every output that the oracle gives agrees with it, on every case."""
    for case in method.cases():
        got, want = outputs(method.cls, case), method.evidence.oracle(case)
        assert "y" in want and want.keys() <= got.keys(), f"{case.id}: oracle gives {sorted(want)} of {sorted(got)}"
        if method.card.state == "running" and case.extra.get("mode", "train") == "train":
            buffers = {n for n in got if n.startswith("state_after.")}
            assert buffers <= want.keys(), f"{case.id}: the oracle leaves out {sorted(buffers - want.keys())}"
        _same({n: got[n] for n in want}, want, case)


def _pure(layer: Any, case: Case) -> tuple[Callable[..., Tensor], tuple[Tensor, ...]]:
    """Return the layer as a function of x and its parameters alone; its buffers start afresh at every call."""
    x, *rest = inputs(case)
    names = [n for n, _ in layer.named_parameters()]
    buffers = {n: b.clone() for n, b in layer.named_buffers()}

    def call(x: Tensor, *parameters: Tensor) -> Tensor:
        tensors = dict(zip(names, parameters, strict=True)) | {n: b.clone() for n, b in buffers.items()}
        return torch.func.functional_call(layer, tensors, (x, *rest))

    return call, (x.requires_grad_(), *(p.detach().clone().requires_grad_() for _, p in layer.named_parameters()))


@check("nn", applies=_exact, quick=True)
def gradcheck(method: Subject) -> None:
    """The gradients, and theirs in turn, are those of finite differences, in float64."""
    for case in _f64(method):
        call, tensors = _pure(build(method.cls, case), case)
        try:
            torch_gradcheck(call, tensors, fast_mode=True)
            torch_gradgradcheck(call, tensors, fast_mode=True)
        except RuntimeError as error:  # torch's GradcheckError among them
            raise AssertionError(f"{case.id}: {error}") from error


@check("nn", applies=_exact)
def transforms(method: Subject) -> None:
    """Forward-mode derivatives agree with backward ones; vmap agrees with a loop."""
    for case in _f64(method):
        call, tensors = _pure(build(method.cls, case), case)
        draw = rng(case.id + " tangents")
        tangents = tuple(torch.as_tensor(draw.normal(size=tuple(t.shape))) for t in tensors)
        with warnings.catch_warnings():  # torch's own use of torch.jit
            warnings.filterwarnings("ignore", ".*torch.jit", DeprecationWarning)
            y, moved = torch.func.jvp(call, tuple(t.detach() for t in tensors), tangents)[:2]
        gy = upstream(case, y)
        grads = torch.autograd.grad(call(*tensors), tensors, gy)
        back = sum((g * t).sum() for g, t in zip(grads, tangents, strict=True))
        assert_close((moved * gy).sum().item(), float(back), op="merge", what=f"{case.id}: jvp against vjp")
        if not any(True for _ in method.cls(**case.options).buffers()):
            x, *rest = (t.detach() for t in tensors)
            both = torch.func.vmap(call, in_dims=(0, *(None for _ in rest)))(torch.stack([x, -x]), *rest)
            assert_close(both[1].numpy(), call(-x, *rest).numpy(), op="reduction", what=f"{case.id}: vmap")


@check("nn", quick=True)
def parameters(method: Subject) -> None:
    """Every parameter has a gradient that is not identically 0, and moving it moves the output."""
    names: set[str] = set()
    alive: set[str] = set()
    for case in _f64(method):
        layer = build(method.cls, case)
        before = run_layer(copy.deepcopy(layer), case)
        for name, _ in layer.named_parameters():
            names.add(name)
            other = copy.deepcopy(layer)
            with torch.no_grad():
                dict(other.named_parameters())[name].add_(0.5)
            after = run_layer(other, case)
            if np.any(before[f"grad.{name}"] != 0) and not np.array_equal(before["y"], after["y"]):
                alive.add(name)
    assert names == alive, f"no case has a gradient and an effect of {sorted(names - alive)}"


@check("nn")
def options(method: Subject) -> None:
    """Every option changes an output or a state in some case; a misspelt one is Python's TypeError."""
    signature = inspect.signature(method.cls).parameters
    free = {n: p.default for n, p in signature.items() if p.default is not p.empty and n not in _PLACES}
    assert all(p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) for p in signature.values()), "*args or **kwargs"
    assert all(signature[n].kind == inspect.Parameter.KEYWORD_ONLY for n in (*free, *_PLACES) if n in signature)
    idle = set(free)
    for case in method.cases():
        got = outputs(method.cls, case)
        for name in [n for n in case.options if n in free]:
            known = dict(case.extra.get("parameters", {}))
            plain = replace(case, options={k: v for k, v in case.options.items() if k != name})
            layer = method.cls(**plain.options)
            have = {n: known[n] for n, _ in (*layer.named_parameters(), *layer.named_buffers()) if n in known}
            want = outputs(method.cls, replace(plain, extra={**case.extra, "parameters": have}))
            if got.keys() != want.keys() or any(gap(got[n], want[n]) > 0 for n in got):
                idle.discard(name)
    assert not idle, f"no case shows an effect of {sorted(idle)}"
    case = method.cases()[0]
    try:
        method.cls(**case.options, misspelt_option=1)
    except TypeError:
        return
    raise AssertionError("misspelt_option=1 was taken")


@check("nn")
def docstring(method: Subject) -> None:
    """Every argument is documented, with the default that the code has."""
    wrong = docstrings.wrong_defaults(method.cls, method.cls.__doc__)
    missing = {"Parameters", "Raises", "Notes", "References", "Examples"} - docstrings.sections(method.cls.__doc__).keys()
    assert not wrong and not missing, f"{wrong}; sections missing: {sorted(missing)}"


@check("nn")
def examples(method: Subject) -> None:
    """The examples of the docstring run and print what they say."""
    count, failed = docstrings.failed_examples(method.card.module)
    assert count and not failed, "\n".join(failed) or "no examples"


# dtypes


@check("nn")
def float32(method: Subject) -> None:
    """In float32, values, gradients and states are those of float64 to float32's rounding."""
    for case in _f64(method):
        small = replace(case, x=np.asarray(case.x, dtype=np.float32))
        exact = replace(case, x=np.asarray(small.x, dtype=np.float64))
        _same(outputs(method.cls, small), run_layer(_rounded(method, case, torch.float32), exact), exact, dtype="float32")


def _rounded(method: Subject, case: Case, dtype: torch.dtype) -> Any:
    """Return the layer in float64 with parameters rounded to a smaller dtype."""
    return build(method.cls, case, dtype).to(torch.float64)


@check("nn")
def half(method: Subject) -> None:
    """In half precision y and gx are within a few ulps (of the largest) of float64 on the rounded input."""
    for case in _f64(method):
        for dtype, name in ((torch.float16, "float16"), (torch.bfloat16, "bfloat16")):
            exact = replace(case, x=inputs(case, dtype)[0].double().numpy())
            exact = replace(exact, extra={**case.extra, "gy": _half_gy(method, exact, dtype)})
            want = run_layer(_rounded(method, case, dtype), exact)
            layer = build(method.cls, case, dtype)
            assert layer(*inputs(exact, dtype)).dtype == dtype, f"{case.id}: {name} came back in another dtype"
            got = run_layer(build(method.cls, case, dtype), exact, dtype)
            for key in ("y", "gx"):
                assert_close(got[key], want[key], op="reduction", dtype=name, what=f"{case.id}: {key}")


def _half_gy(method: Subject, case: Case, dtype: torch.dtype) -> np.ndarray:
    y = build(method.cls, case)(*inputs(case))
    return upstream(case, y).to(dtype).double().numpy()


@check("nn")
def autocast(method: Subject) -> None:
    """Under autocast to bfloat16 the layer takes float32 and bfloat16, and is right to bfloat16's rounding."""
    for case in _f64(method):
        exact = replace(case, x=inputs(case, torch.bfloat16)[0].double().numpy())
        want = run_layer(_rounded(method, case, torch.float32), exact)
        for dtype in (torch.float32, torch.bfloat16):
            layer = build(method.cls, case, torch.float32)
            x, *rest = inputs(case, torch.bfloat16)
            x = x.to(dtype).requires_grad_()
            with torch.autocast("cpu", torch.bfloat16):
                y = layer(x, *rest)
            y.float().backward(upstream(case, y).float())
            assert_close(y.detach().double().numpy(), want["y"], op="reduction", dtype="bfloat16", what=f"{case.id}: y")
            assert x.grad is not None
            assert torch.isfinite(x.grad).all(), f"{case.id}: gx is not finite under autocast"


@check("nn")
def places(method: Subject) -> None:
    """``dtype=`` and ``device=`` reach every parameter and floating buffer."""
    for case in _kinds(method.cases()):
        layer = method.cls(**case.options, dtype=torch.float64, device="meta")
        for name, t in (*layer.named_parameters(), *layer.named_buffers()):
            assert t.device.type == "meta", f"{name} is on {t.device}"
            assert t.dtype == torch.float64 or not t.is_floating_point(), f"{name} is {t.dtype}"


# compilers


@check("nn")
def compiled(method: Subject) -> None:
    """``torch.compile(fullgraph=True)`` gives what eager gives, forward, backward and state."""
    for case in _kinds(_f64(method)):
        torch._dynamo.reset()
        layer = build(method.cls, case)
        want = run_layer(copy.deepcopy(layer), case)
        got = run_layer(layer, case, call=torch.compile(layer, fullgraph=True, backend="aot_eager"))
        _same(got, want, case)


@check("nn")
def exported(method: Subject) -> None:
    """``torch.export`` with a batch of any size gives what eager gives."""
    for case in _kinds(_f64(method)):
        layer = build(method.cls, case)
        args = inputs(case)
        batch = torch.export.Dim("batch", min=2)
        program = torch.export.export(layer, args, dynamic_shapes=tuple({0: batch} for _ in args))
        more = tuple(torch.cat([a, a.flip(0)]) for a in args)
        got = program.module()(*more)
        assert_close(got.detach().numpy(), build(method.cls, case)(*more).detach().numpy(), op="reduction", what=case.id)


# layouts, shapes, magnitudes


@check("nn")
def layouts(method: Subject) -> None:
    """Neither strides nor memory format of x or the gradient change a result."""
    for case in _f64(method):
        x, *rest = inputs(case)
        want = run_layer(build(method.cls, case), case)
        ways: list[Callable[[Tensor], Tensor]] = [
            lambda t: t.transpose(0, -1).contiguous().transpose(0, -1),
            lambda t: torch.stack([t, t], dim=-1)[..., 0],
        ]
        if x.ndim == 4:
            ways.append(lambda t: t.contiguous(memory_format=torch.channels_last))
        for way in ways:
            layer = build(method.cls, case)
            moved = way(x).requires_grad_()
            y = layer(moved, *rest)
            gx, *grads = torch.autograd.grad(y, [moved, *layer.parameters()], way(upstream(case, y)))
            assert_close(y.detach().numpy(), want["y"], op="reduction", what=f"{case.id}: y")
            assert_close(gx.numpy(), want["gx"], op="reduction", what=f"{case.id}: gx")
            for (name, _), grad in zip(layer.named_parameters(), grads, strict=True):
                assert_close(grad.numpy(), want[f"grad.{name}"], op="reduction", what=f"{case.id}: grad.{name}")
        y = build(method.cls, case)(x.requires_grad_(), *rest)
        wide = upstream(case, y)[(slice(None), *(slice(1) for _ in y.shape[1:]))].expand(y.shape)  # strides 0
        gx = torch.autograd.grad(y, x, wide)[0]
        full = replace(case, extra={**case.extra, "gy": wide.contiguous().numpy()})
        assert_close(gx.numpy(), run_layer(build(method.cls, case), full)["gx"], op="reduction", what=f"{case.id}: expanded")


@check("nn")
def untouched(method: Subject) -> None:
    """The layer writes neither to its input nor to the gradient, and its output may be written to."""
    for case in _f64(method):
        x, *rest = inputs(case)
        kept = [t.clone() for t in (x, *rest)]
        layer = build(method.cls, case)
        x.requires_grad_()
        y = layer(x, *rest)
        gy = upstream(case, y)
        copied = gy.clone()
        grad = torch.autograd.grad(y.clone().mul_(1), x, gy, retain_graph=True)[0]
        y2 = build(method.cls, case)(x, *rest)
        y2.add_(1)  # a residual added in place
        assert torch.equal(torch.autograd.grad(y2, x, gy)[0], grad), f"{case.id}: writing to y changed gx"
        assert torch.equal(gy, copied), f"{case.id}: the gradient was written to"
        assert all(torch.equal(a.detach(), b) for a, b in zip((x, *rest), kept, strict=True)), f"{case.id}: input written to"


@check("nn")
def offsets(method: Subject) -> None:
    """At offset 1e4 in float32 and 1e8 in float64 the result is as near to the oracle's as the input's digits allow."""
    for case in _f64(method):
        for dtype, offset in ((np.float32, 1e4), (np.float64, 1e8)):
            x = (np.asarray(case.x) + offset).astype(dtype)
            _near(method, replace(case, x=x), offset)


def _near(method: Subject, case: Case, offset: float = 0.0) -> None:
    got = run_layer(build(method.cls, case), case)["y"]
    rounded = {n: b.double().numpy() for n, b in build(method.cls, case).state_dict().items()}
    extra = {**case.extra, "parameters": rounded, "dtype": _name(case)}  # an eps may depend on the dtype of the run
    want = method.evidence.oracle(replace(case, x=np.asarray(case.x, np.float64), extra=extra))["y"]
    assert np.all(np.isfinite(got)), f"{case.id}: not finite"
    op = "elementwise" if offset else "reduction"
    assert_close(got + offset, want + offset, op=op, dtype=_name(case), what=f"{case.id}: y at {np.max(np.abs(case.x)):.0e}")


@check("nn")
def magnitudes(method: Subject) -> None:
    """From 1e-20 to 1e20 (float32: 1e18, whose square it can still hold) results are finite and right; so are constants."""
    for case in _f64(method):
        for dtype, top in ((np.float32, 1e18), (np.float64, 1e20)):
            for scale in (1e-20, 1e-10, 1e10, top):
                _near(method, replace(case, x=(np.asarray(case.x) * scale).astype(dtype)))
        for value in (0.0, 1.0):  # statistics of a constant are exact at these
            _near(method, replace(case, x=np.full_like(case.x, value)))


def _unless_refused(run: Callable[[], None]) -> None:
    """Run, and take a RenormError that says why as an answer."""
    error = _refusal(run)
    assert error is None or (error.expected and error.got), f"a refusal that explains nothing: {error}"


def _refusal(run: Callable[[], object]) -> RenormError | None:
    try:
        run()
    except RenormError as error:
        return error
    return None


def _without_mask(case: Case) -> Case:
    return replace(case, extra={k: v for k, v in case.extra.items() if k not in ("mask", "gy")})


@check("nn")
def tiny(method: Subject) -> None:
    """1x1 maps are right or refused in words; an empty batch gives an empty output and no NaN in a state."""
    for case in map(_without_mask, _f64(method)):
        x = np.asarray(case.x)
        if method.cls.channel_axis == 1:
            one = replace(case, x=x[(slice(None), slice(None), *(slice(1) for _ in x.shape[2:]))])
            _unless_refused(partial(_near, method, one))
            _unless_refused(partial(_near, method, replace(case, x=one.x[:1])))
        layer = build(method.cls, case)
        before = {n: t.clone() for n, t in layer.state_dict().items()}

        def empty(layer: Any = layer, x: np.ndarray = x) -> None:
            nothing = torch.as_tensor(x[:0]).requires_grad_()
            y = layer(nothing)
            y.sum().backward()
            assert y.shape == x[:0].shape and nothing.grad is not None

        _unless_refused(empty)
        for name, t in layer.state_dict().items():
            assert not torch.isnan(t).any(), f"{case.id}: an empty batch left NaN in {name}"
            if "num_batches" not in name:
                assert torch.equal(t, before[name]), f"{case.id}: an empty batch moved {name}"


@check("nn", quick=True)
def refusals(method: Subject) -> None:
    """Wrong ranks, channels, dtypes and masks are refused in words that carry what came."""
    case = _f64(method)[0]
    layer = build(method.cls, case)
    x, *_ = inputs(case)
    wrong = torch.cat([x, x], dim=method.cls.channel_axis)
    bad: list[tuple[tuple[Tensor, ...], str]] = [((wrong,), str(tuple(wrong.shape))), ((x[0, 0, ..., 0],), "")]
    if _takes_mask(method.card):
        real = torch.ones((x.shape[0], *x.shape[2:]))
        bad += [((x, real), "torch.float32"), ((x, real.bool()[:1]), str((1, *x.shape[2:])))]
    for args, word in bad:
        error = _refusal(partial(layer, *args))
        assert error is not None, f"took {[tuple(a.shape) for a in args]}"
        assert error.expected and word in error.got, f"{error} does not name {word}"


# state


@check("nn", quick=True)
def state(method: Subject) -> None:
    """Eval leaves every bit of the state; train moves it where the card says running, and nowhere else."""
    moved, differ = False, False
    for case in method.cases():
        layer = build(method.cls, case)
        start = {n: t.clone() for n, t in layer.state_dict().items()}
        eval_y = layer.eval()(*inputs(case))
        assert all(torch.equal(t, start[n]) for n, t in layer.state_dict().items()), f"{case.id}: eval moved the state"
        x, *rest = inputs(case)
        train_y = layer.train()(x.requires_grad_(), *rest)
        held = [n for n, b in layer.named_buffers() if b.requires_grad]
        assert not held, f"{case.id}: {held} hold on to the graph of a step"
        moved |= any(not torch.equal(t, start[n]) for n, t in layer.state_dict().items())
        differ |= not torch.equal(train_y, eval_y)
        again = layer.eval()(*inputs(case))
        assert torch.equal(again, layer(*inputs(case))), f"{case.id}: eval is not repeatable"
    assert moved == (method.card.state == "running"), f"state={method.card.state!r}, but train moves it: {moved}"
    assert differ == (method.card.train_eval != "same"), f"train_eval={method.card.train_eval!r}, but they differ: {differ}"


@check("nn", quick=True)
def persistence(method: Subject) -> None:
    """A state_dict loads strictly into a new layer; copies and pickles are the same layer."""
    for case in method.cases():
        layer = build(method.cls, case)
        for _ in range(2):  # what a layer learns must be in its state_dict
            layer(*inputs(case))
        fresh = method.cls(**case.options, dtype=_dtype(case)).train(layer.training)
        fresh.load_state_dict(layer.state_dict(), strict=True)
        want = run_layer(copy.deepcopy(layer), case)
        for other in (fresh, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):  # noqa: S301 (our own bytes)
            got = run_layer(other, case)
            assert got.keys() == want.keys() and all(np.array_equal(got[n], want[n], equal_nan=True) for n in want), case.id
            assert repr(other) == repr(layer)


@check("nn")
def factory(method: Subject) -> None:
    """``for_channels`` makes a layer that runs, for any number of channels and spatial dims it does not refuse."""
    from renorm.nn import for_channels

    for channels in (1, 6, 7):
        for dims in (0, 1, 2, 3):
            x = torch.as_tensor(rng(f"factory {channels} {dims}").normal(size=(3, channels, 4, 2, 3)[: 2 + dims]))

            def run(channels: int = channels, dims: int = dims, x: Tensor = x) -> None:
                y = for_channels(method.card.key, channels, dims, dtype=torch.float64)(x)
                assert y.shape == x.shape and torch.isfinite(y).all()

            run() if dims else _unless_refused(run)


@check("nn")
def folding(method: Subject) -> None:
    """A foldable layer has ``fold``; another has none."""
    assert method.card.foldable == ("fold" in dir(method.cls)), f"foldable={method.card.foldable}, fold in dir(cls) is not"


# several processes


@check("nn", applies=_has_sync)
def synchronized(method: Subject) -> None:
    """Two processes with uneven batches, under DDP, get the values, gradients and states of the whole batch."""
    found = _two_ranks()[method.card.key]
    for case in _sync_cases(method):
        whole = run_layer(build(method.cls, case), case)
        ranks = [found[rank][case.id] for rank in (0, 1)]
        got = {n: np.concatenate([r[n] for r in ranks]) if n in ("y", "gx") else ranks[0][n] for n in whole}
        _same(got, whole, case, op="merge")
        for name in whole:
            if name not in ("y", "gx"):
                assert np.array_equal(ranks[0][name], ranks[1][name]), f"{case.id}: the ranks differ in {name}"


def _sync_cases(method: Subject) -> list[Case]:
    """Train cases of three samples or more; and one where a whole process has only padding."""
    cases = [c for c in _kinds(_f64(method)) if c.extra.get("mode", "train") == "train" and len(c.x) >= 3]
    for case in [c for c in cases if c.extra.get("mask") is not None][:1]:
        mask = np.array(case.extra["mask"])
        mask[0] = False
        cases.append(replace(case, id=case.id + ", a rank without real positions", extra={**case.extra, "mask": mask}))
    assert cases, "no case in train mode with three samples"
    return cases


@lru_cache(maxsize=1)
def _two_ranks() -> dict[str, dict[int, dict[str, Arrays]]]:
    """Run every layer that has ``sync`` on two processes, spawned once for all."""
    with tempfile.TemporaryDirectory() as folder:
        context = torch.multiprocessing.get_context("spawn")
        ranks = [context.Process(target=_rank, args=(rank, folder)) for rank in (0, 1)]
        for p in ranks:
            p.start()
        for p in ranks:
            p.join()
        assert all(p.exitcode == 0 for p in ranks), "a process of the group failed"
        out: dict[str, dict[int, dict[str, Arrays]]] = {}
        for rank in (0, 1):
            for path in Path(folder).glob(f"{rank} *.npz"):
                key, case, name = path.stem.split(" ", 1)[1].split(" | ")
                with np.load(path) as file:
                    out.setdefault(key, {}).setdefault(rank, {}).setdefault(case, {})[name] = file["value"]
        return out


def _rank(rank: int, folder: str) -> None:
    """Run one of the two processes: rank 0 has the first sample, rank 1 the others."""
    import torch.distributed as dist

    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2, timeout=timedelta(seconds=60)
    )
    mine = slice(0, 1) if rank == 0 else slice(1, None)
    for card in [c for c in catalog() if c.kind == "nn" and _has_sync(c)]:
        method = subject(card.key)
        for case in _sync_cases(method):
            layer = build(method.cls, case, sync=True)
            y = upstream(case, torch.as_tensor(np.array(case.x)))  # outputs have the input's shape
            extra = {**case.extra, "gy": y.numpy()[mine]}
            if case.extra.get("mask") is not None:
                extra["mask"] = np.asarray(case.extra["mask"])[mine]
            own = replace(case, x=np.asarray(case.x)[mine], extra=extra)
            learns = any(p.requires_grad for p in layer.parameters())
            got = run_layer(layer, own, call=nn.parallel.DistributedDataParallel(layer) if learns else None)
            for name, value in got.items():
                value = value * 2 if name.startswith("grad.") else value  # DDP takes the mean over ranks
                np.savez(Path(folder) / f"{rank} {card.key} | {case.id} | {name}.npz", value=value)
    dist.destroy_process_group()


# laws: claims about the default configuration, decided both ways


def _law_cases(method: Subject) -> list[tuple[Any, Tensor, Case]]:
    """Layers with nothing but required arguments, on inputs with at least one dim of positions."""
    required = {n for n, p in inspect.signature(method.cls).parameters.items() if p.default is p.empty}
    cases = [_without_mask(c) for c in _f64(method) if set(c.options) == required and np.ndim(c.x) >= 3]
    assert cases, "no case in the default configuration with positions"
    return [(build(method.cls, replace(c, extra={**c.extra, "mode": "train"})), inputs(c)[0], c) for c in cases]


def _decide(holds: bool, law: str, pairs: Iterator[tuple[Tensor, Tensor]], op: str = "reduction") -> None:
    """A law holds if all pairs agree; a not-law needs one that does not."""
    wrong = []
    for got, want in pairs:
        try:
            assert_close(got.detach().numpy(), want.detach().numpy(), op=op, what=law)
        except AssertionError as error:
            wrong.append(str(error))
    assert not (holds and wrong), wrong[0]
    assert holds or wrong, f"{law} is a not-law, but holds on every case"


def _axes(cls: Any, x: Tensor) -> tuple[int, tuple[int, ...]]:
    """Return the dim of channels and those of positions."""
    return (1, tuple(range(2, x.ndim))) if cls.channel_axis == 1 else (x.ndim - 1, tuple(range(1, x.ndim - 1)))


def _changed(x: Tensor, dim: int, case: Case) -> Tensor:
    """Everything but the first slice of a dim replaced."""
    other = torch.as_tensor(rng(case.id + " other").normal(size=tuple(x.shape)))
    return torch.cat([x.narrow(dim, 0, 1), other.narrow(dim, 1, x.shape[dim] - 1)], dim)


def _first_only(method: Subject, dim_of: Callable[[Tensor], int]) -> Iterator[tuple[Tensor, Tensor]]:
    for layer, x, case in _law_cases(method):
        d = dim_of(x)
        yield layer(_changed(x, d, case)).narrow(d, 0, 1), layer(x).narrow(d, 0, 1)


@check("nn", law="batch_independent")
def batch_independent(method: Subject, holds: bool) -> None:
    """The output for a sample depends on no other sample."""
    _decide(holds, "batch_independent", _first_only(method, lambda x: 0))


@check("nn", law="channel_independent")
def channel_independent(method: Subject, holds: bool) -> None:
    """The output of a channel depends on no other channel."""
    _decide(holds, "channel_independent", _first_only(method, lambda x: _axes(method.cls, x)[0]))


@check("nn", law="position_independent")
def position_independent(method: Subject, holds: bool) -> None:
    """The output at a position depends on no other position."""
    _decide(holds, "position_independent", _first_only(method, lambda x: _axes(method.cls, x)[1][0]))


@check("nn", law="batch_equivariant")
def batch_equivariant(method: Subject, holds: bool) -> None:
    """Samples in another order give outputs in that order."""
    _decide(holds, "batch_equivariant", ((layer(x.flip(0)), layer(x).flip(0)) for layer, x, _ in _law_cases(method)))


@check("nn", law="position_equivariant")
def position_equivariant(method: Subject, holds: bool) -> None:
    """Positions in another order give outputs in that order."""

    def pairs() -> Iterator[tuple[Tensor, Tensor]]:
        for layer, x, _ in _law_cases(method):
            dims = _axes(method.cls, x)[1]
            yield layer(x.flip(dims)), layer(x).flip(dims)

    _decide(holds, "position_equivariant", pairs())


@check("nn", law="positive_scale_invariant")
def positive_scale_invariant(method: Subject, holds: bool) -> None:
    """A positive factor on the input changes nothing (where eps is too small to count)."""
    _decide(holds, "positive_scale_invariant", ((layer(x * 3.7e8), layer(x * 1e8)) for layer, x, _ in _law_cases(method)))


@check("nn", law="shift_invariant")
def shift_invariant(method: Subject, holds: bool) -> None:
    """A constant added to the whole input changes nothing."""
    _decide(holds, "shift_invariant", ((layer(x + 3.7), layer(x)) for layer, x, _ in _law_cases(method)))


@check("nn", law="padding_invariant", quick=True)
def padding_invariant(method: Subject, holds: bool) -> None:
    """Padding, whatever it holds, changes no output, gradient or state; all real is no mask; output at padding is 0."""
    assert _takes_mask(method.card), "a layer that takes no mask can claim nothing about padding"

    def pairs() -> Iterator[tuple[Tensor, Tensor]]:
        cases = _f64(method)
        assert any(c.extra.get("mask") is not None for c in cases), "no case with a mask"
        for case in cases:
            want = run_layer(build(method.cls, case), case)
            mask = case.extra.get("mask")
            if mask is None:  # the same data, with padding behind it, is the same
                x = np.asarray(case.x)
                axis = x.ndim - 1 if x.ndim > 2 else 0
                gy = case.extra.get("gy", rng(case.id + " gy").normal(size=x.shape))
                for value in (7.0, np.nan, np.inf):
                    more = np.full([2 if d == axis else s for d, s in enumerate(x.shape)], value)
                    real = np.ones(np.delete(np.array(x.shape), 1), bool)
                    none = np.zeros(np.delete(np.array(more.shape), 1), bool)
                    wide = np.concatenate([real, none], axis=axis - 1 if axis else 0)
                    padded = replace(
                        case,
                        x=np.concatenate([x, more], axis),
                        extra={**case.extra, "mask": wide, "gy": np.concatenate([gy, np.ones_like(more)], axis)},
                    )
                    got = run_layer(build(method.cls, case), padded)
                    for name, value_ in want.items():
                        seen = np.moveaxis(got[name], axis, 0)[: x.shape[axis]] if name in ("y", "gx") else got[name]
                        seen = np.moveaxis(seen, 0, axis) if name in ("y", "gx") else seen
                        yield torch.as_tensor(seen), torch.as_tensor(value_)
                        if name in ("y", "gx"):
                            rest = np.moveaxis(got[name], axis, 0)[x.shape[axis] :]
                            yield torch.as_tensor(rest), torch.zeros(rest.shape, dtype=torch.float64)
            else:  # what the padding holds does not matter
                real = np.broadcast_to(np.expand_dims(np.asarray(mask), 1), np.shape(case.x))
                assert not real.all() and real.any(), f"{case.id}: a mask of one value"
                for value in (1e3, np.nan, -np.inf):
                    got = run_layer(build(method.cls, case), replace(case, x=np.where(real, case.x, value)))
                    for name in want:
                        yield torch.as_tensor(got[name]), torch.as_tensor(want[name])
                    yield torch.as_tensor(got["y"][~real]), torch.zeros(int((~real).sum()), dtype=torch.float64)

    _decide(holds, "padding_invariant", pairs())
