"""When the hand-written backward runs, and that it never stands in the way."""

import pytest
import torch
from torch.autograd import forward_ad

from renorm.tensor import recomputing, with_backward
from renorm.testing import assert_close, rng


def cube(seen):
    """x^3 * w, noting which of its three functions run."""

    def plain(x, w):
        seen.append("plain")
        return x**3 if w is None else x**3 * w

    def forward(x, w):
        seen.append("forward")
        return (x**3 if w is None else x**3 * w), (x * x,)

    def backward(grad, tensors, kept):
        seen.append("backward")
        x, w = tensors
        return grad * 3 * kept[0] * (1 if w is None else w), None if w is None else grad * x**3

    return lambda x, w=None: with_backward(plain, forward, backward, x, w)


def leaf(dtype=torch.float64):
    return torch.as_tensor(rng("eager").normal(size=(3, 4))).to(dtype).requires_grad_()


def test_eager_runs_the_hand_written_pair():
    seen, x = [], leaf()
    y = cube(seen)(x)
    assert_close(torch.autograd.grad(y.sum(), x)[0], 3 * x.detach() ** 2, op="elementwise")
    assert seen == ["forward", "backward"]


def test_inference_runs_the_forward_alone():
    seen = []
    cube(seen)(leaf().detach())
    with torch.no_grad():
        cube(seen)(leaf())
    assert seen == ["forward", "forward"]


def test_double_backward_runs_the_plain_formula():
    seen, x, w = [], leaf(), leaf() + 1
    f = cube(seen)
    assert torch.autograd.gradcheck(f, (x, w)) and torch.autograd.gradgradcheck(f, (x, w))
    seen.clear()
    (gx,) = torch.autograd.grad(f(x, w.detach()).sum(), x, create_graph=True)
    assert seen == ["forward", "plain"] and gx.requires_grad
    assert_close(torch.autograd.grad(gx.sum(), x)[0], (6 * x * w).detach(), op="elementwise")


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # torch's own, on the first dual level
def test_everything_else_runs_the_plain_formula():
    seen, x = [], leaf()
    f = cube(seen)
    torch.func.vmap(f)(x)
    torch.func.grad(lambda x: f(x).sum())(x)
    with forward_ad.dual_level():
        f(forward_ad.make_dual(x.detach(), torch.ones_like(x)))
    with torch.autocast("cpu", torch.bfloat16):
        f(x)
    f(leaf(torch.bfloat16))
    f(x, leaf(torch.float32))
    assert seen == ["plain"] * 6
    seen.clear()
    torch.compile(f, fullgraph=True, backend="eager")(x.detach())
    assert "forward" not in seen


def test_recomputing_is_true_inside_backward_only():
    seen = []
    x = leaf()
    x.register_hook(lambda g: seen.append(recomputing()))
    x.sum().backward()
    assert seen == [True] and not recomputing()
