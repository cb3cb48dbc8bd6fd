"""The rate advisor, found by its name, under the kit for advisors."""

from junto.core import Advisor, resolve_advisor
from junto.core.testing import AdvisorContract


class TestRate(AdvisorContract):
    changes_text = False

    def advisor(self) -> Advisor:
        return resolve_advisor("rate?words=80")
