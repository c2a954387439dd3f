"""Which touchpoint type the aspects of public English data sets (SemEval, MAMS, OATS, MEMD, M-ABSA) name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from cxsentiment.results import Language
from cxsentiment.text import clean
from cxsentiment.touchpoints import TouchpointFinder

PRICED = frozenset({"price", "prices", "value", "value for money"})
"""Second halves of a category that are about the price of the first."""

BY_WORDS = frozenset({"staff", "management", "waiting", "booking", "ordering", "payment", "delivery", "sales"})
"""What a term under \"service\" may be by its own words."""

ENTITIES: Mapping[str, str] = {
    **dict.fromkeys(("food", "drinks", "food_drinks", "menu"), "food"),
    **dict.fromkeys(("service",), "service"),
    **dict.fromkeys(("staff", "faculty", "seller service"), "staff"),
    **dict.fromkeys(("ambience", "facilities", "rooms", "room_amenities", "place", "location"), "facility"),
    **dict.fromkeys(("support",), "technical_support"),
    **dict.fromkeys(("shipping", "shipment", "logistics"), "delivery"),
    **dict.fromkeys(("product packaging",), "packaging"),
    **dict.fromkeys(("after-sales service", "warranty"), "repair"),
    **dict.fromkeys(("branding/marketing",), "promotion"),
    **dict.fromkeys(("price",), "price"),
    **dict.fromkeys(
        (
            *("laptop", "battery", "display", "keyboard", "mouse", "os", "software", "cpu", "memory", "graphics", "hard_disc", "hardware"),
            *("ports", "power_supply", "multimedia_devices", "motherboard", "fans_cooling", "fans&cooling", "optical_drives"),
            *("shoes", "clothing", "bottom", "top", "socks", "derivatives", "book", "content", "course", "presentation", "material"),
            *("assignments", "camera", "screen", "battery/longevity", "product quality", "product configuration", "product accessories"),
            *("performance", "appearance design", "audio/sound", "system", "shooting functions", "smart connect", "signal", "key design"),
            *("security", "ease of use", "intelligent assistant"),
        ),
        "product",
    ),
}
"""Type of each entity, the first half of a category. The firm as such (hotel, restaurant, company) is no touchpoint."""

HOTEL = frozenset({"design_features", "cleanliness", "comfort"})
"""What is said of a hotel that is said of its rooms."""

SOMEWHERE: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("Customer Service Issue", "CustomerService"), ("service", "staff", "call_centre")),
    "Flight Attendant Complaints": ("staff",),
    "Flight Booking Problems": ("booking",),
    "longlines": ("waiting",),
    "App": ("mobile_app",),
    "MobileMoney": ("payment",),
    **dict.fromkeys(("Data", "Network", "Calls"), ("product",)),
}
"""Touchpoint types of which one is mentioned in a text with this reason (us_airline) or category without a place (Sentitel).

Other sets' categories without a place are no such sign: a guest who only says that he was ill after it has reviewed the food.
"""

ENGLISH = Language("en", 1.0, "Latn")


def touchpoint_of(term: str | None, category: str | None) -> str | None:
    """The touchpoint type of a marked term; None where the set's category says nothing, and its words name no touchpoint.

    >>> touchpoint_of("fries", "FOOD#QUALITY"), touchpoint_of("waiter", "SERVICE#GENERAL"), touchpoint_of("Asus", "COMPANY#GENERAL")
    ('food', 'staff', None)
    """
    if category is None:
        return _named(term)
    entity, _, attribute = category.lower().replace(" ", "#", 1).partition("#") if "#" not in category else category.lower().partition("#")
    if attribute in PRICED:
        return "price"
    if entity == "hotel" and attribute in HOTEL:
        return "facility"
    found = ENTITIES.get(entity)
    return named if found == "service" and (named := _named(term)) in BY_WORDS else found


@cache
def _named(term: str | None) -> str | None:
    """The type of a term that is wholly a phrase of the taxonomy."""
    if not term:
        return None
    text = clean(term).text
    (mentions,) = _finder().find([text], [ENGLISH])
    return mentions[0].type if len(mentions) == 1 and mentions[0].end - mentions[0].start >= len(text) - 2 else None


@cache
def _finder() -> TouchpointFinder:
    return TouchpointFinder()
