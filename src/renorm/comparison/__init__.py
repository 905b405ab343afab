"""Which normalizer works here: paired comparisons with error bars, over tables, layers and texts."""

from renorm.comparison._compare import compare
from renorm.comparison._evaluate import evaluate, judge
from renorm.comparison.layers import LayerTask
from renorm.comparison.result import Comparison, Contrast, Cost, Record
from renorm.comparison.tables import DensityTask, TableTask
from renorm.comparison.task import Budget, ColumnFact, Metric, Outcome, Plan, Split, Task
from renorm.comparison.texts import PairTask, TextTask

__all__ = [
    "Budget",
    "ColumnFact",
    "Comparison",
    "Contrast",
    "Cost",
    "DensityTask",
    "LayerTask",
    "Metric",
    "Outcome",
    "PairTask",
    "Plan",
    "Record",
    "Split",
    "TableTask",
    "Task",
    "TextTask",
    "compare",
    "evaluate",
    "judge",
]
