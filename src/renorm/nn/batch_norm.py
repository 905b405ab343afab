"""Batch normalization: each channel by its mean and variance over the batch, padding left out."""

from __future__ import annotations

import math

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.functional import batch_norm
from torch.nn.modules.batchnorm import _BatchNorm

from renorm.core.card import Card
from renorm.nn._base import Norm, per_channel, spatial
from renorm.tensor import fill, moments, process_group, recomputing, synchronize, widen

CARD = Card(
    name="batch_norm",
    kind="nn",
    normalizes="activations",
    statistic="mean, variance",
    axes="over batch and positions, per channel",
    paper="arXiv:1502.03167",
    fidelity="vectors",
    aliases=("BN", "batch_normalization", "masked_batch_norm", "sync_batch_norm"),
    mergeable=True,
    state="running",
    train_eval="train: statistics of the batch; eval: running statistics, where they are tracked",
    laws=(
        "batch_equivariant",
        "channel_independent",
        "position_equivariant",
        "positive_scale_invariant",
        "shift_invariant",
        "padding_invariant",
    ),
    not_laws=("batch_independent", "position_independent"),
    gradient="exact",
    requires=("torch",),
    cost="torch's kernel; with mask or sync: forward 4 passes of plain operations",
    use_when="convolutions with batches of 16 or more; padded batches with mask; small ones per process with sync",
    avoid_when="batches of 1 to 8, or batches unlike those at test",
)


class BatchNorm(Norm, _BatchNorm):
    r"""y = (x - mean) / sqrt(var + eps) * weight + bias, mean and biased var over batch and positions of one channel.

    Parameters
    ----------
    num_features : int
        Channels C of inputs (N, C, *spatial), of any rank from (N, C) on.
    eps : float, default=1e-5
        Added to the variance, inside the root (torch's default).
    momentum : float or None, default=0.1
        Weight of the **new** batch in the running statistics, ``running = (1 - momentum) * running + momentum * new``
        (torch's meaning; Keras and the paper's code weight the old value). None: the plain average of all batches.
    affine : bool, default=True
        Learn ``weight`` and ``bias``, from ones and zeros.
    track_running_stats : bool, default=True
        Keep running statistics for eval. Without them eval, too, takes the statistics of the batch.
    sync : ProcessGroup or True, default=None
        In train, take the statistics over all processes of this group, each weighted by how many real entries it
        has; True is the default group. Where torch.distributed is not initialised there is one process only.
    device, dtype : optional
        Of parameters and running statistics.

    Raises
    ------
    ShapeError
        For other channels, a mask of another shape, or fewer than two entries a channel to take statistics of.
    OptionError
        For an eps below 0 or a momentum outside [0, 1].

    Notes
    -----
    A torch ``_BatchNorm``: checkpoints of BatchNorm1d, 2d, 3d and SyncBatchNorm load unchanged. Without mask and sync
    it runs torch's kernel.

    Train: the batch's biased variance normalizes, the unbiased one, n / (n - 1), enters ``running_var``.
    ``mask`` (N, *spatial), True = real: statistics, running ones too, are those of the unpadded data, n being the count
    of real entries; the output at padding is 0. A batch without real positions is refused (compiled: by an assertion
    when it runs). An empty batch (N = 0) gives an empty output and leaves the running statistics alone.

    Gradient accumulation: statistics are those of each micro-batch, and every forward pass moves the running
    statistics, so k micro-batches move them k times (effective momentum 1 - (1 - momentum)^k).
    Activation checkpointing runs forward twice, and counts once: a pass that is repeated inside backward leaves the
    running statistics alone (torch's own layers move them twice).

    References
    ----------
    S. Ioffe, C. Szegedy. Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift.
    ICML 2015. arXiv:1502.03167

    Examples
    --------
    >>> import torch
    >>> from renorm.nn import BatchNorm
    >>> x = torch.tensor([[[1.0, 3.0, 99.0]], [[5.0, 99.0, 99.0]]])
    >>> mask = torch.tensor([[True, True, False], [True, False, False]])
    >>> BatchNorm(1, affine=False)(x, mask)  # of 1, 3 and 5: mean 3, variance 8/3
    tensor([[[-1.2247,  0.0000,  0.0000]],
    <BLANKLINE>
            [[ 1.2247,  0.0000,  0.0000]]])
    """

    def __init__(
        self,
        num_features: int,
        *,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        sync: dist.ProcessGroup | bool | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        self._between("num_features", num_features, 1, math.inf)
        self._between("eps", eps, 0.0, math.inf)
        if momentum is not None:
            self._between("momentum", momentum, 0.0, 1.0)
        super().__init__(
            num_features,
            eps=eps,
            momentum=momentum,
            affine=affine,
            track_running_stats=track_running_stats,
            device=device,
            dtype=dtype,
        )
        self.sync = sync

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        self._expect(x, self.num_features)
        real = self._positions(x, mask)
        if self.running_mean is not None and not self.training:
            y = batch_norm(fill(x, real), self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
            return fill(y, real)
        group = process_group(self.sync) if self.training else None
        if group is None and (real is None or x.numel() == 0):
            return self._whole(x)
        return self._part(x, real, group)

    def _whole(self, x: Tensor) -> Tensor:
        """Torch's own kernel."""
        if x.numel() > 0:
            self._enough(x.numel() // self.num_features)
        if self.running_mean is None or x.numel() == 0:
            return batch_norm(x, None, None, self.weight, self.bias, training=True, eps=self.eps)
        # with momentum 1 the kernel leaves the statistics of this batch in the buffers
        mean, var = torch.zeros_like(self.running_mean), torch.zeros_like(self.running_mean)
        y = batch_norm(x, mean, var, self.weight, self.bias, True, 1.0, self.eps)
        self._track(mean, var)
        return y

    def _part(self, x: Tensor, real: Tensor | None, group: dist.ProcessGroup | None) -> Tensor:
        """Plain operations, over real entries and over the processes of the group."""
        found = synchronize(moments(x, (0, *spatial(x)), real), group)
        self._enough(found.n)
        z = (fill(widen(x), real) - found.mean) * torch.rsqrt(found.variance + self.eps)
        if self.affine:
            z = z * per_channel(self.weight, x) + per_channel(self.bias, x)
        if self.running_mean is not None:
            self._track(found.mean.detach().flatten(), found.unbiased.detach().flatten())
        return fill(z.to(x.dtype), real)

    def _track(self, mean: Tensor, var: Tensor) -> None:
        if recomputing():
            return
        batches = self.get_buffer("num_batches_tracked").add_(1)
        for name, new in (("running_mean", mean), ("running_var", var)):
            running = self.get_buffer(name)
            rate = 1 / batches.to(running.dtype) if self.momentum is None else self.momentum
            running.lerp_(new.to(running.dtype), rate)
