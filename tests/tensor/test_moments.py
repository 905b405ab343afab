"""Moments of tensors: against numpy on the real entries alone, merged, synchronised, and at hard magnitudes."""

import socket

import numpy as np
import pytest
import torch
import torch.distributed as dist

from renorm.core.errors import ShapeError
from renorm.tensor import Moments, fill, mean, mean_square, merge, moments, process_group, synchronize
from renorm.testing import assert_close, rng


def masked(name, shape, mask_shape, hole=np.nan):
    r = rng(name)
    x, mask = r.normal(2, 3, shape), r.random(mask_shape) < 0.6
    mask.flat[0] = True
    return torch.as_tensor(np.where(mask, x, hole)), torch.as_tensor(mask), np.where(mask, x, np.nan)


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("mask_shape", [(4, 3, 5, 6), (4, 1, 5, 6), (4, 1, 1, 6), (1, 1, 5, 1)])
def test_only_real_entries_count(hole, mask_shape):
    x, mask, alone = masked("moments", (4, 3, 5, 6), mask_shape, hole)
    m = moments(x, (0, 2, 3), mask)
    assert_close(m.n, np.sum(~np.isnan(alone), axis=(0, 2, 3), keepdims=True), op="exact")
    assert_close(m.mean, np.nanmean(alone, axis=(0, 2, 3), keepdims=True), op="reduction")
    assert_close(m.variance, np.nanvar(alone, axis=(0, 2, 3), keepdims=True), op="reduction")
    assert_close(m.unbiased, np.nanvar(alone, axis=(0, 2, 3), keepdims=True, ddof=1), op="reduction")
    assert_close(mean(x, (2, 3), mask), np.nanmean(alone, axis=(2, 3), keepdims=True), op="reduction")
    assert_close(mean_square(x, (0, 3), mask), np.nanmean(alone**2, axis=(0, 3), keepdims=True), op="reduction")


def test_without_a_mask_all_entries_count():
    x = rng("no mask").normal(size=(3, 4, 5))
    m = moments(torch.as_tensor(x), (1,))
    assert_close(m.n, np.full((3, 1, 5), 4), op="exact")
    assert_close(m.m2, x.var(axis=1, keepdims=True) * 4, op="reduction")
    assert_close(mean(torch.as_tensor(x), (0, 2)), x.mean(axis=(0, 2), keepdims=True), op="reduction")


def test_a_group_without_entries_is_zero_and_its_gradient_too():
    x = torch.full((2, 3), torch.nan, dtype=torch.float64)
    x[1] = 4.0
    x.requires_grad_()
    m = moments(x, (1,), torch.tensor([[False], [True]]))
    assert m.n.tolist() == [[0.0], [3.0]] and m.mean.tolist() == [[0.0], [4.0]] and m.variance.tolist() == [[0.0], [0.0]]
    gx = torch.autograd.grad(m.mean.sum() + m.m2.sum(), x)[0]
    assert_close(gx, np.array([[0.0] * 3, [1 / 3] * 3]), op="elementwise")


def test_gradients_reach_real_entries_only():
    x, mask, _ = masked("moments gradient", (3, 4), (3, 4), 5.0)
    x.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: tuple(moments(x, (0,), mask))[1:], x)
    assert torch.autograd.gradgradcheck(lambda x: moments(x, (0,), mask).variance, x)
    gx = torch.autograd.grad(mean_square(fill(x, mask, torch.nan), (0, 1), mask), x)[0]
    assert gx[~mask].eq(0).all() and gx[mask].ne(0).all()


def test_dtypes():
    x = torch.full((70000,), 1.0, dtype=torch.float16)
    m = moments(x, (0,))
    assert m.mean.dtype == torch.float32 and m.mean.item() == 1.0 and m.n.item() == 70000
    assert mean(x.bfloat16(), (0,)).dtype == torch.float32
    tiny = torch.tensor([1.0, 1.0 + 1e-12], dtype=torch.float64)
    assert moments(tiny, (0,)).m2.item() > 0  # would be 0 in float32


@pytest.mark.parametrize(("dtype", "offset"), [(torch.float32, 1e4), (torch.float64, 1e8)])
def test_offsets_keep_the_digits_of_the_input(dtype, offset):
    x = torch.as_tensor(rng("offset").normal(size=1000) + offset).to(dtype)
    want = np.var(x.double().numpy() - offset)  # the subtraction is exact
    name = str(dtype).removeprefix("torch.")
    assert_close(moments(x, (0,)).variance.item(), want, op="merge" if dtype == torch.float32 else "root", dtype=name)


def test_merge_is_the_whole():
    x, mask, _ = masked("merge", (9, 3), (9, 3))
    mask[:2] = False  # a part without entries
    whole = moments(x, (0,), mask)
    parts = [moments(a, (0,), b) for a, b in zip(x.split([2, 4, 3]), mask.split([2, 4, 3]), strict=True)]
    for found in (merge(merge(*parts[:2]), parts[2]), merge(parts[2], merge(parts[1], parts[0]))):
        for got, want in zip(found, whole, strict=True):
            assert_close(got, want, op="merge")
    nothing = merge(parts[0], parts[0])
    assert [t.eq(0).all().item() for t in nothing] == [True] * 3


@pytest.mark.parametrize("mask", [torch.ones(2, 3), torch.ones(2, dtype=torch.bool), torch.ones(2, 2, dtype=torch.bool)])
def test_a_mask_that_does_not_fit_is_refused(mask):
    with pytest.raises(ShapeError, match=r"\(2, 3\)"):
        moments(torch.zeros(2, 3), (1,), mask)


def test_no_group_is_no_synchronisation():
    m = moments(torch.tensor([1.0, 2.0]), (0,))
    assert synchronize(m, None) is m


@pytest.fixture
def group():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=0, world_size=1)
    yield dist.group.WORLD
    dist.destroy_process_group()


def test_the_option_sync_names_a_group(group):
    assert process_group(True) is group and process_group(group) is group
    assert process_group(None) is None and process_group(False) is None


def test_without_torch_distributed_there_is_no_group():
    assert process_group(True) is None


def test_a_group_of_one_changes_nothing_and_passes_gradients(group):
    x, mask, _ = masked("one process", (5, 3), (5, 3), 0.0)
    x.requires_grad_()
    local = moments(x, (0,), mask)
    found = synchronize(local, group)
    for got, want in zip(found, local, strict=True):
        assert_close(got.detach(), want.detach(), op="merge")
    assert torch.autograd.gradcheck(lambda x: tuple(synchronize(moments(x, (0,), mask), group))[1:], x)
    assert torch.autograd.gradgradcheck(lambda x: synchronize(moments(x, (0,), mask), group).m2, x)


def test_two_parts_synchronise_to_the_whole(monkeypatch):
    """The formula for several processes, each sum over the group given by hand (the spawned one is the battery's)."""
    x = torch.as_tensor(rng("two parts").normal(3, 2, (9, 2)))
    parts = [moments(p, (0,)) for p in x.split([2, 7])]
    sums = [sum(torch.stack([p.n, p.n * p.mean]) for p in parts)]
    center = sums[0][1] / sums[0][0]
    sums.append(sum(p.m2 + p.n * (p.mean - center) ** 2 for p in parts))

    def all_reduce(tensor, group):
        tensor.copy_(sums[0 if tensor.ndim == 3 else 1])

    monkeypatch.setattr(dist, "all_reduce", all_reduce)
    found, whole = synchronize(parts[0], "group"), moments(x, (0,))
    assert isinstance(found, Moments)
    for got, want in zip(found, whole, strict=True):
        assert_close(got, want, op="merge")
