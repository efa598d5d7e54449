"""How harsh is an interviewer, once we allow for whom they saw?

reading - what is usual for its format and pillars = candidate effect + interviewer effect + noise, both effects random.
A reading is the mean of one person's calls on one interview: these share one impression, so each call by itself is no
news of its own. Candidates are absorbed in closed form, which leaves one small system over interviewers; its cost grows
with the number of readings. Variance components by restricted maximum likelihood, started from (and, above
`REML_UP_TO` interviewers, replaced by) Henderson's method of moments. Balanced data give what lme4 gives.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize, sparse, stats
from scipy.sparse import csgraph

from pipeline.retro.rates import Floats, Interval

Codes = NDArray[np.int64]
REML_UP_TO = 400
MOST = 5000  # interviewers compared at once; memory grows with their square


class Components(NamedTuple):
    """Variances of candidate cells, interviewers and noise, in squared levels."""

    cell: float
    interviewer: float
    noise: float


class Severity(NamedTuple):
    """One interviewer: levels below (positive: harsher) what others give the same people, None if not comparable."""

    estimate: float | None
    interval: Interval | None
    readings: int


class SeverityFit(NamedTuple):
    """All interviewers in the order of their codes, with the variances and the general mean."""

    interviewers: list[Severity]
    components: Components
    mean: float


def severity(cell: Codes, interviewer: Codes, reading: Floats) -> SeverityFit | None:
    """Severity of each interviewer, codes 0..J-1 for interviewers and 0..C-1 for candidates, one row a reading.

    The interval is of the difference from the mean of those compared, with t(interviewers - 1).

    None when nobody can be compared: fewer than two interviewers met in any cell, or more than `MOST` did.
    """
    count = int(interviewer.max(initial=-1)) + 1
    readings = np.bincount(interviewer, minlength=count)
    comparable = _largest_group(cell, interviewer, count)
    if not 2 <= comparable.sum() <= MOST:
        return None
    inside = comparable[interviewer]
    _, cells = np.unique(cell[inside], return_inverse=True)
    names, people = np.unique(interviewer[inside], return_inverse=True)
    sums = _Sums.of(cells, people, reading[inside])
    components = _components(sums)
    if components is None:
        return None
    mean, effect, error = sums.solve(components)
    found: list[Severity] = [Severity(None, None, int(n)) for n in readings]
    wide = float(stats.t.ppf(0.975, comparable.sum() - 1))
    for name, value, spread in zip(names, effect, error, strict=True):
        reach = wide * float(spread)
        centre = -float(value)
        found[name] = Severity(centre, Interval(centre - reach, centre + reach), int(readings[name]))
    return SeverityFit(found, components, mean)


def _largest_group(cell: Codes, interviewer: Codes, count: int) -> NDArray[np.bool_]:
    """Interviewers linked through shared candidates, the largest such group (by readings, then by size)."""
    cells = int(cell.max(initial=-1)) + 1
    links = sparse.coo_matrix((np.ones(len(cell)), (interviewer, cell + count)), shape=(count + cells,) * 2)
    _, label = csgraph.connected_components(links, directed=False)
    people = label[:count]
    weight = np.bincount(people[interviewer], minlength=label.max(initial=0) + 1).astype(float)
    size = np.bincount(people, minlength=len(weight))
    weight[size < 2] = -1
    return np.asarray(people == int(weight.argmax())) if weight.max(initial=-1) > 0 else np.zeros(count, bool)


class _Sums(NamedTuple):
    """Everything the fit needs, summed once: per interviewer, and per size of candidate cell."""

    n: int
    total: float
    square: float
    diagonal: Floats  # readings per interviewer
    by_person: Floats  # sum of readings per interviewer
    sizes: Floats  # the distinct cell sizes m
    cells: Floats  # number of cells of size m
    cell_total: Floats  # sum over cells of size m of the cell's sum
    cell_square: Floats  # ... of its squared sum
    person_size: Floats  # (sizes, J): interviewer's readings in cells of size m
    person_cell: Floats  # (sizes, J): sum over those readings of the cell's sum
    overlap: list[sparse.csr_matrix]  # per size, J x J: how often two interviewers met

    @staticmethod
    def of(cell: Codes, person: Codes, y: Floats) -> _Sums:
        people, cells = int(person.max()) + 1, int(cell.max()) + 1
        count, total = np.bincount(cell), np.bincount(cell, y)
        sizes: Floats = np.unique(count).astype(np.float64)
        met = sparse.csr_matrix((np.ones(len(cell)), (person, cell)), shape=(people, cells))
        columns = [met[:, count == m] for m in sizes]
        return _Sums(
            len(y),
            float(y.sum()),
            float(y @ y),
            np.bincount(person).astype(float),
            np.asarray(np.bincount(person, y), np.float64),
            sizes,
            np.array([float((count == m).sum()) for m in sizes], np.float64),
            np.array([total[count == m].sum() for m in sizes]),
            np.array([(total[count == m] ** 2).sum() for m in sizes]),
            np.array([np.asarray(part.sum(1)).ravel() for part in columns]),
            np.array([part @ total[count == m] for part, m in zip(columns, sizes, strict=True)]),
            [(part @ part.T).tocsr() for part in columns],
        )

    def absorbed(self, ratio: float) -> tuple[Floats, Floats, Floats, tuple[float, float, float]]:
        """Z'MZ, Z'My, Z'M1 and (y'My, 1'My, 1'M1), where M takes out cells with noise/cell variance = `ratio`."""
        weight = 1 / (self.sizes + ratio)
        matrix = np.diag(self.diagonal)
        for w, part in zip(weight, self.overlap, strict=True):
            matrix -= w * part.toarray()
        toward_y = self.by_person - weight @ self.person_cell
        toward_1 = self.diagonal - (weight * self.sizes) @ self.person_size
        yy = self.square - float(weight @ self.cell_square)
        y1 = self.total - float((weight * self.sizes) @ self.cell_total)
        ones = self.n - float((weight * self.sizes**2) @ self.cells)
        return matrix, toward_y, toward_1, (yy, y1, ones)

    def solve(self, components: Components) -> tuple[float, Floats, Floats]:
        """General mean, interviewer effects (best linear prediction), and the errors of each less the mean of all."""
        noise, people = max(components.noise, 1e-12), len(self.diagonal)
        matrix, q, x, (_, y1, ones) = self.absorbed(noise / max(components.cell, 1e-12))
        # A spread estimated as nothing is not known to be nothing: one standard error of it is kept.
        spread = max(components.interviewer, noise * people / self.n * math.sqrt(2 / (people - 1)))
        if spread <= 1e-12:
            return (y1 / ones if ones else 0.0), np.zeros(len(q)), np.zeros(len(q))
        matrix[np.diag_indices_from(matrix)] += noise / spread
        inverse = linalg.inv(matrix, overwrite_a=True)
        toward = inverse @ x
        fixed = float(ones - x @ toward)
        mean = float(y1 - q @ toward) / fixed
        effect = inverse @ q - mean * toward
        inverse += np.outer(toward, toward) / fixed
        # The effects sum to zero; what all interviewers have in common is nobody's severity.
        shared = inverse.mean(1)
        variance = noise * (np.diag(inverse) - 2 * shared + shared.mean())
        return mean, np.asarray(effect, float), np.sqrt(np.maximum(variance, 0))


def _components(sums: _Sums) -> Components | None:
    start = _moments(sums)
    if start is None or len(sums.diagonal) > REML_UP_TO:
        return start
    noise = max(start.noise, 1e-6)
    first = [math.log(noise / max(start.cell, noise / 20)), math.log(noise / max(start.interviewer, noise / 200))]
    best = optimize.minimize(
        lambda at: _deviance(sums, *at)[0], first, method="Nelder-Mead", bounds=[(-9, 9), (-9, 12)],
        options={"xatol": 1e-4, "fatol": 1e-6, "maxiter": 200},
    )  # fmt: skip
    noise = _deviance(sums, *best.x)[1]
    cell, person = (noise / math.exp(value) for value in best.x)
    # At the far end of the search the component is nothing.
    return Components(cell if best.x[0] < 8.9 else 0.0, person if best.x[1] < 11.9 else 0.0, noise)


def _deviance(sums: _Sums, log_cell: float, log_person: float) -> tuple[float, float]:
    """Restricted deviance with the noise variance profiled out, and that variance."""
    matrix, q, x, (yy, y1, ones) = sums.absorbed(math.exp(log_cell))
    ratio = math.exp(log_person)
    matrix[np.diag_indices_from(matrix)] += ratio
    factor = linalg.cholesky(matrix, lower=True, overwrite_a=True)
    a, b = linalg.solve_triangular(factor, np.column_stack([q, x]), lower=True).T
    fixed = ones - float(b @ b)
    rest = yy - float(a @ a) - (y1 - float(a @ b)) ** 2 / fixed
    noise = max(rest, 1e-12) / (sums.n - 1)
    size = float((sums.cells * np.log1p(sums.sizes / math.exp(log_cell))).sum())
    size += 2 * float(np.log(np.diag(factor)).sum()) - len(q) * log_person + math.log(max(fixed, 1e-300))
    return (sums.n - 1) * math.log(noise) + size, noise


def _moments(sums: _Sums) -> Components | None:
    """Henderson's method III: unbiased, closed form. None when nothing repeats."""
    matrix, q, _, (within, _, _) = sums.absorbed(0.0)
    traced = float(np.trace(matrix))
    people, cells = len(q), float(sums.cells.sum())
    freedom = sums.n - cells - (people - 1)
    if traced <= 1e-9:
        return None
    # One group of linked interviewers: the system lacks exactly one rank; fixing the sum at zero supplies it.
    effect = linalg.solve(matrix + np.full_like(matrix, traced / people**2), q, assume_a="sym")
    explained = float(effect @ q)
    noise = max(within - explained, 0.0) / freedom if freedom > 0 else within / max(1.0, sums.n - cells)
    person = max(0.0, (explained - noise * (people - 1)) / traced)
    between = float((sums.cell_square / sums.sizes).sum()) - sums.total**2 / sums.n
    spread = float((sums.sizes**2 * sums.cells).sum()) / sums.n
    own = float(sums.diagonal.sum()) - traced - float((sums.diagonal**2).sum()) / sums.n
    cell = max(0.0, (between - person * own - noise * (cells - 1)) / (sums.n - spread))
    return Components(cell, person, noise)
