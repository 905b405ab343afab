"""Every state: a statistic that merges."""

from renorm.core.rank import RankCounts, RankSummary
from renorm.core.states.comoments import CoMoments
from renorm.core.states.counts import Counts
from renorm.core.states.extrema import Extrema
from renorm.core.states.histogram import Histogram
from renorm.core.states.moments import Moments
from renorm.core.states.quantiles import Quantiles
from renorm.core.states.sample import Sample

__all__ = ["CoMoments", "Counts", "Extrema", "Histogram", "Moments", "Quantiles", "RankCounts", "RankSummary", "Sample"]
