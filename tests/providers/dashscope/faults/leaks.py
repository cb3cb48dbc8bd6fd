"""All that a program can come to show of an error."""

import contextlib
import copy
import pickle
import traceback


def family(error: BaseException) -> list[BaseException]:
    """The error, its causes and contexts, also those that a traceback leaves out."""
    found: list[BaseException] = []
    left: list[BaseException | None] = [error]
    while left:
        one = left.pop()
        if one is not None and one not in found:
            found.append(one)
            left += [one.__cause__, one.__context__]
    return found


def shown(error: BaseException) -> list[str]:
    """Its texts: printed, with locals, as attributes, pickled and copied."""
    texts: list[str] = []
    for one in family(error):
        texts += [str(one), repr(one), repr(vars(one)), repr(one.args)]
        trace = traceback.TracebackException.from_exception(one, capture_locals=True)
        texts += list(trace.format())
    pickled = pickle.dumps(error)
    back = pickle.loads(pickled)
    assert (type(back), str(back), vars(back)) == (type(error), str(error), vars(error))
    with contextlib.suppress(TypeError):  # a cause may be of a kind that nobody copies
        texts.append(repr(vars(copy.deepcopy(error))))
    return [*texts, pickled.decode("latin-1")]
