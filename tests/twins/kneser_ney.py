"""Interpolated modified Kneser-Ney over codes, with dicts of tuples (Chen and Goodman 1999, sections 3 and 4)."""

from collections import Counter, defaultdict

from melvin.codes import CODES, END_CODE
from melvin.contexts import FALLBACK_DISCOUNT, MIN_DISCOUNT, ORDER


def ngrams(pieces, before, port):
    """[(port, five codes before, code)] of pieces (codes, closed, opens) in a row; `before`: codes before the first."""
    found = []
    context = tuple(before)
    for codes, closed, opens in pieces:
        if opens:
            context = (END_CODE,) * ORDER
        for code in [*codes, END_CODE] if closed else codes:
            found.append((port, context, code))
            context = (*context[1:], code)
    return found


def discounts(counts):
    t = [sum(count == n for count in counts) for n in range(5)]
    y = t[1] / (t[1] + 2 * t[2]) if t[1] and t[2] else FALLBACK_DISCOUNT
    found = {}
    for n in (1, 2, 3):
        d = n - (n + 1) * y * t[n + 1] / t[n] if t[n] and t[n + 1] else FALLBACK_DISCOUNT
        found[n] = min(max(d, MIN_DISCOUNT), n)
    return found


class Model:
    """counts : {(port, five codes, code): occurrences}"""

    def __init__(self, counts):
        self.tables = []
        occurrences = Counter(counts)
        weights = dict(occurrences)
        for length in range(ORDER, -1, -1):
            rows = defaultdict(dict)
            for (port, context, code), weight in weights.items():
                rows[port, context][code] = weight
            self.tables.insert(0, (rows, discounts(weights.values())))
            if not length:
                break
            shorter, distinct = Counter(), Counter()
            for (port, context, code), count in occurrences.items():
                shorter[port, context[1:], code] += count
                distinct[port, context[1:], code] += 1
            # nothing stands before a line's start: there the occurrences themselves are the evidence
            weights = {key: shorter[key] if key[1] and key[1][0] == END_CODE else distinct[key] for key in distinct}
            occurrences = shorter

    def probability(self, port, context, code):
        """P(code | context), and the longest length that was seen."""
        p, longest = 1 / CODES, 0
        for length, (rows, discount) in enumerate(self.tables):
            row = rows.get((port, tuple(context[ORDER - length :])))
            if not row:
                continue
            longest = length
            taken = sum(discount[min(count, 3)] for count in row.values())
            held = row.get(code, 0)
            kept = max(held - discount[min(held, 3)], 0) if held else 0
            p = (kept + taken * p) / sum(row.values())
        return p, longest
