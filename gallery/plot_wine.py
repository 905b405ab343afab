"""
Which normalizer should I use for these columns?
================================================

The wine data have 13 columns in different units, from fractions to thousands. Three estimators are tried with
three normalizers on the same splits. One of them is there as a control: trees see only the order of values, so no
normalizer that keeps the order should help or harm them, and the comparison has to say so.
"""

# %%
# All methods see the same splits; ``repeats=4`` keeps this page quick (the default for so few rows is 10).

from sklearn.datasets import load_wine
from sklearn.tree import DecisionTreeClassifier

import renorm

X, y = load_wine(return_X_y=True, as_frame=True)
result = renorm.compare(
    X,
    y,
    methods=["identity", "standard", "robust", "quantile"],
    estimators={
        "k-NN": "knn",
        "tree": DecisionTreeClassifier(random_state=0),
        "SVM-RBF": "svm_rbf",
    },
    repeats=4,
    name="wine",
)
print(result)

# %%
# The same as a picture. The grey band is the region of practical equivalence: a difference inside it does not matter.
# An interval that ends inside the band on both sides is a finding too: *no difference*.

import matplotlib.pyplot as plt

rope = result.settings["metric"]["rope"]
records = [r for r in result.records if r.method != "standard"]
fig, ax = plt.subplots(figsize=(7, 0.4 * len(records) + 1), layout="constrained")
ax.axvspan(-rope, rope, color="0.9")
for row, r in enumerate(records):
    ax.plot(r.interval, [row, row], color="C0", linewidth=2)
    ax.plot(r.difference, row, "o", color="C0")
labels = [f"{r.method}, {r.estimator}: {r.verdict}" for r in records]
ax.set_yticks(range(len(records)), labels)
ax.invert_yaxis()
ax.set_xlabel("accuracy: difference from standard (95 % interval)")
plt.show()

# %%
# What to do with it.

print(result.best_)
