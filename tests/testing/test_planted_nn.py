"""Wrong layers: each turns the check red that is meant for it."""

from __future__ import annotations

import pytest

from renorm.testing import battery

pytest.importorskip("torch")

FRN = "nn.filter_response_norm"
BN = "nn.batch_norm"
RMS = "nn.rms_norm"

FAST = "    inverse = torch.rsqrt(norm.square() / count + eps)\n"
SLOW = "    inverse = torch.rsqrt(wide.square().sum(spatial(x), keepdim=True) / count + eps)\n"
END = "        return fill(y, real)\n"
START = "        filled = fill(x, real)\n"
PART = "torch.rsqrt(found.variance + self.eps)"
NAIVE = (
    "torch.rsqrt((fill(widen(x), real).square().sum((0, *spatial(x)), keepdim=True) / found.n"
    " - found.mean.square()).abs() + self.eps)"
)
INIT = "        self.num_features, self.eps, self.threshold, self.learn_eps = num_features, eps, threshold, learn_eps\n"
EVAL = "        if self.running_mean is not None and not self.training:\n"


def end(expression: str) -> list[tuple[str, str]]:
    """Change what the layer returns."""
    return [(END, f"        y = {expression}\n{END}")]


# check -> what is wrong, the real method, edits of its source, lines added to its class
PLANTS: dict[str, list[tuple[str, str, list[tuple[str, str]], str]]] = {
    "oracle": [
        ("adds eps outside the root", FRN, [(FAST, "    inverse = 1 / ((norm.square() / count).sqrt() + eps)\n")], ""),
        ("keeps the biased running variance", BN, [("found.unbiased.detach()", "found.variance.detach()")], ""),
        (
            "means over all positions, padding too",
            FRN,
            [("real.sum(dims, keepdim=True).clamp(min=1)", "torch.tensor(x[0, 0].numel())")],
            "",
        ),
        ("computes in float32", FRN, end("y.float().to(x.dtype)"), ""),
    ],
    "gradcheck": [
        (
            "cuts a gradient",
            FRN,
            [("    return dx, (response * inverse).sum(0).flatten(),", "    return dx, torch.zeros_like(weight),")],
            "",
        ),
        ("has the wrong sign in its backward", FRN, [("value=-1)", "value=1)")], ""),
        (
            "detaches its statistics",
            FRN,
            [(FAST, FAST), ("response * inverse.square() * scale / count", "0 * response")],
            "",
        ),
    ],
    "transforms": [
        ("has another formula under transforms", FRN, [(SLOW, SLOW.replace("+ eps", "+ 2 * eps + 0.1"))], ""),
    ],
    "parameters": [
        ("has a dead parameter", FRN, [(INIT, INIT + "        self.dead = nn.Parameter(torch.ones(3, dtype=dtype))\n")], ""),
    ],
    "options": [
        ("never reads an option", FRN, [("dtype=dtype)) if threshold else None", "dtype=dtype)) if True else None")], ""),
    ],
    "docstring": [
        ("documents another default", FRN, [("eps : float, default=1e-6", "eps : float, default=1e-5")], ""),
    ],
    "examples": [
        ("prints other numbers", FRN, [("tensor([[[0.8485, 0.0000]", "tensor([[[0.8486, 0.0000]")], ""),
    ],
    "float32": [
        ("rounds float32 to half", FRN, end("y.bfloat16().to(x.dtype) if x.dtype == torch.float32 else y"), ""),
    ],
    "half": [
        ("gives float32 for half", FRN, end("y.float() if x.dtype == torch.float16 else y"), ""),
        (
            "sums in half",
            FRN,
            [("    wide = widen(x)\n", "    wide = x\n"), ("wide.square().sum(", "wide.square().cumsum(-1)[..., -1:].sum(")],
            "",
        ),
    ],
    "autocast": [
        ("halves under autocast", FRN, end("y / 2 if torch.is_autocast_enabled('cpu') else y"), ""),
    ],
    "places": [
        (
            "forgets dtype",
            FRN,
            [
                (
                    "self.bias = nn.Parameter(torch.zeros(num_features, device=device, dtype=dtype))",
                    "self.bias = nn.Parameter(torch.zeros(num_features, device=device))",
                )
            ],
            "",
        ),
        (
            "forgets device",
            FRN,
            [
                (
                    "self.bias = nn.Parameter(torch.zeros(num_features, device=device, dtype=dtype))",
                    "self.bias = nn.Parameter(torch.zeros(num_features, dtype=dtype))",
                )
            ],
            "",
        ),
    ],
    "compiled": [
        ("computes another thing when compiled", FRN, end("y * 2 if torch.compiler.is_compiling() else y"), ""),
        ("breaks the graph", FRN, end("y if y.sum().item() < 1e300 else -y"), ""),
    ],
    "exported": [
        ("fixes the batch size", FRN, end("y + 0 * torch.ones(int(x.shape[0])).sum() if x.shape[0] == 2 else y * 2"), ""),
    ],
    "layouts": [
        (
            "reads the storage as if contiguous",
            FRN,
            [
                (
                    START,
                    "        strides = torch.empty(x.shape, device='meta').stride()\n"
                    "        x = torch.as_strided(x, x.shape, strides)\n" + START,
                )
            ],
            "",
        ),
    ],
    "untouched": [
        ("writes to its input", FRN, [(START, "        x.data.mul_(1.001)\n" + START)], ""),
        (
            "returns what backward needs",
            FRN,
            [("z = (x * (inverse * per_channel(weight, x)))", "z = x.detach().mul_(inverse * per_channel(weight, x))")],
            "",
        ),
    ],
    "offsets": [
        ("takes the variance as a difference of squares", BN, [(PART, NAIVE)], ""),
    ],
    "magnitudes": [
        ("overflows", FRN, [(FAST, FAST.replace("norm.square()", "norm.square().square().sqrt()"))], ""),
        ("divides by a zero", FRN, [(FAST, FAST.replace("+ eps", "+ 0 * eps"))], ""),
    ],
    "tiny": [
        (
            "leaves NaN after an empty batch",
            BN,
            [("        if self.running_mean is None or x.numel() == 0:", "        if self.running_mean is None:")],
            "",
        ),
    ],
    "refusals": [
        ("takes any shape", FRN, [("        self._expect(x, self.num_features, spatial=True)\n", "")], ""),
        (
            "takes any mask",
            FRN,
            [
                (
                    "        real = self._positions(x, mask)\n",
                    "        real = None if mask is None else mask.bool().unsqueeze(1)\n",
                )
            ],
            "",
        ),
    ],
    "state": [
        ("updates its statistics in eval", BN, [(EVAL, EVAL + "            self.num_batches_tracked.add_(1)\n")], ""),
        (
            "never updates them",
            BN,
            [
                ("            running.lerp_(", "            running.clone().lerp_("),
                ('"num_batches_tracked").add_(1)', '"num_batches_tracked").add_(0)'),
            ],
            "",
        ),
    ],
    "persistence": [
        (
            "keeps a random number out of its state",
            FRN,
            [(INIT, INIT + "        self.factor = float(torch.rand(()))\n"), *end("y * self.factor")],
            "",
        ),
    ],
    "factory": [
        (
            "asks for one channel too many",
            FRN,
            [],
            "@classmethod\ndef arguments_for(cls, channels, dims):\n    return {'num_features': channels + 1}",
        ),
    ],
    "folding": [
        ("folds though its card says no", FRN, [], "def fold(self):\n    return None"),
    ],
    "synchronized": [
        (
            "takes its own rank's statistics",
            BN,
            [
                (
                    "found = synchronize(moments(x, (0, *spatial(x)), real), group)",
                    "found = moments(x, (0, *spatial(x)), real)",
                )
            ],
            "",
        ),
    ],
    "batch_independent": [("looks at other samples", FRN, end("y + x.mean(0, keepdim=True)"), "")],
    "channel_independent": [("looks at other channels", FRN, end("y + x.mean(1, keepdim=True)"), "")],
    "position_independent": [
        (
            "looks at other tokens",
            RMS,
            [("        return with_backward(", "        return x.mean(1, keepdim=True) + with_backward(")],
            "",
        ),
    ],
    "batch_equivariant": [
        ("counts samples", FRN, end("y + torch.arange(len(x)).view(-1, *(1,) * (x.ndim - 1))"), ""),
    ],
    "position_equivariant": [("counts positions", FRN, end("y + torch.arange(x.shape[-1])"), "")],
    "positive_scale_invariant": [("adds its input", FRN, end("y + x"), "")],
    "shift_invariant": [
        (
            "adds its input",
            BN,
            [("        self._track(mean, var)\n        return y", "        self._track(mean, var)\n        return y + x")],
            "",
        ),
    ],
    "padding_invariant": [
        (
            "ignores the mask",
            FRN,
            [("        real = self._positions(x, mask)\n", "        self._positions(x, mask)\n        real = None\n")],
            "",
        ),
        ("leaves the padding as it is", FRN, [(END, "        return y if real is None else torch.where(real, y, x)\n")], ""),
    ],
}

DEAR = {"compiled": 2, "exported": 2, "gradcheck": 4, "half": 4}  # cases to keep
LONG = {"synchronized": [pytest.mark.nightly]}  # starts processes
ROWS = [
    pytest.param(check, *plant, id=f"{check}: {plant[0]}", marks=LONG.get(check, []))
    for check, plants in PLANTS.items()
    for plant in plants
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("check", "wrong", "key", "edits", "append"), ROWS)
def test_planted(plant, check, wrong, key, edits, append) -> None:
    if check == "synchronized":
        from renorm.testing import checks_nn

        checks_nn._two_ranks.cache_clear()
    plant(key, check, *edits, append=append, cases=DEAR.get(check, 0))


def test_every_check_has_a_plant() -> None:
    battery.laws_of("nn")
    assert {name for kind, name in battery._CHECKS if kind == "nn"} == set(PLANTS)
