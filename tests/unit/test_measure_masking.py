import re
import sys
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cxsentiment.errors import MissingExtraError
from cxsentiment.measure import personal_numbers
from cxsentiment.measure.masking import mask
from cxsentiment.measure.personal_numbers import find_numbers

pytest.importorskip("phonenumbers")

MASKED = {
    "[phone]": (
        "6971234567",
        "697 123 4567",
        "210-1234567",
        "210 123 4567",
        "2310 123456",
        "+30 697 123 4567",
        "0030 210 1234567",
        "τηλ.2101234567",
        "600 123 456",
        "600-123-456",
        "22 123 45 67",
        "+48600123456",
        "(22) 123 45 67",
        "0721 234 567",
        "0721.234.567",
        "021/3123456",
        "+40 721 234 567",
        "(+40) 721 234 567",
        "tel. 0734.828.610",
        "020 7946 0958",
        "+44 (0)20 7946 0958",
        "tel: 07700 900123",
        "(212) 555-1234",
        "1-800-433-7300",
        "call me on 555-123-4567",
        "+49 30 123456",
    ),
    "[account]": (
        "GR16 0110 1250 0000 0001 2300 695",
        "GR1601101250000000012300695",
        "PL61 1090 1014 0000 0712 1981 2874",
        "61 1090 1014 0000 0712 1981 2874",
        "RO49AAAA1B31007593840000",
        "ro49 AAAA 1B31 0075 9384 0000",
        "GB29 NWBK 6016 1331 9268 19",
        "DE89-3704-0044-0532-0130-00",
    ),
    "[card]": ("4111 1111 1111 1111", "5555-5555-5555-4444", "378282246310005", "3782 822463 10005", "visa:4111111111111111"),
    "[id]": ("44051401359", "1800101221144", "01018012342", "ΑΦΜ: 094259216", "afm 094259216"),
    "[e-mail]": (
        "maria.p+shop@gmail.com",
        "ΜΑΡΙΑ@παράδειγμα.ελ",
        "o'brien@x.ie",
        "maria (at) gmail (dot) com",
        "jan [małpa] firma.pl",
        "maria @ gmail.com",
        "maria@gmail,com",
        "maria at gmail.com",
    ),
    "[user]": ("@maria_p", "@Cosmote.gr"),
}

KEPT = (
    "1 299,99 zł",
    "123 456 789 zł",
    "600 123 456 zł",
    "€2101234567",
    "1.299.000 lei",
    "155.500.000",
    "10.000.000",
    "1,234,567.89",
    "3.14159265",
    "2024-01-31 12:30:15",
    "31/01/2024",
    "21.01.2024 10:30",
    "21.01.2024 1030",
    "31.01.2024-02.02.2024",
    "18:30-20:00",
    "10/10",
    "24/7",
    "140-160-180-200-220 °C",
    "50-100-1000",
    "order no 6971234567",
    "παραγγελία #2101234567",
    "Αφορά παραγγελία Νο 21008230/22-04-2020",
    "zamówienie nr 512345678",
    "comanda nr. 0721234567",
    "RR123456789GR",
    "1Z999AA10123456784",
    "ISBN 9780306406157",
    "4111 1111 1111 1112",
    "GR17 0110 1250 0000 0001 2300 695",
    "44051401358",
    "094259216",
    "de 19 ani pentru ca a furat o paine",
    "is 23rd of july the day they were",
    "3825U@1.9GHz",
    "9 @ 10am",
    "μαλ@κας",
    "και.εγω/εσυ",
    "80 km/h",
    "it.Why? yes",
    "https://shop.gr",
    "www.shop.gr/",
    "[phone]",
)


@pytest.mark.parametrize(("placeholder", "text"), [(placeholder, text) for placeholder, texts in MASKED.items() for text in texts])
def test_what_belongs_to_one_person_is_masked(placeholder: str, text: str) -> None:
    masked = mask(f"λοιπόν, {text} ευχαριστώ")

    assert placeholder in masked
    assert not re.search(r"\d{3}|@", masked)
    assert masked.startswith("λοιπόν, ")
    assert masked.endswith(" ευχαριστώ")


@pytest.mark.parametrize("text", KEPT)
def test_other_numbers_and_signs_stay(text: str) -> None:
    for sentence in (text, f"to jest {text} dziękuję", f"({text})"):
        assert mask(sentence) == sentence


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("https://shop.gr/order?id=12&t=abc.", "https://shop.gr/[…]."),
        ("(http://maria:secret@host.com/) ok", "(http://host.com/) ok"),
        ("δες www.x.ro/a/b, bit.ly/3xYz", "δες www.x.ro/[…], bit.ly/[…]"),
        ("wa.me/306971234567", "wa.me/[…]"),
        ("https://x.gr/?e=maria@x.gr", "https://x.gr/[…]"),
        ("mailto:maria@x.gr", "mailto:[e-mail]"),
        ("https://6971234567.gr", "https://[phone].gr"),
    ],
)
def test_links_keep_their_site(text: str, masked: str) -> None:
    assert mask(text) == masked


def test_several_in_one_comment() -> None:
    text = "6971234567,2101234567 ή +30 697 123 4567 0030 210 1234567: maria@x.gr/jan@y.pl, κάρτα 4111 1111 1111 1111 10/10"

    assert mask(text) == "[phone],[phone] ή [phone] [phone]: [e-mail]/[e-mail], κάρτα [card] 10/10"


@pytest.mark.parametrize(
    "text", ["j\u200boan@x.com", "６９７１２３４５６７", "٦٩٧١٢٣٤٥٦٧", "697\u00a0123\u20114567", "6\u202e97123\ufeff4567"]
)
def test_unseen_characters_and_other_digits_hide_nothing(text: str) -> None:
    assert mask(f"👍🏽 {text} \u202bשלום\u202c") in ("👍🏽 [e-mail] \u202bשלום\u202c", "👍🏽 [phone] \u202bשלום\u202c")


def test_the_rest_is_left_as_it_is() -> None:
    text = "<script>alert(1)</script>\t👩‍👩‍👧 ½ ﬁ \u202e x\x00 \ud800 maria@x.gr"

    assert mask(text) == text.replace("maria@x.gr", "[e-mail]")


@pytest.mark.parametrize(
    "piece", ["1 ", "12 ", "a", "@", "a@", "a@b.", "a.", "1", "1-", "http://", "GR12 ", "a-", "(", "6971234567 ", "a(at)b"]
)
def test_long_texts_take_time_in_proportion(piece: str) -> None:
    mask(piece * (30_000 // len(piece)))  # quadratic ways would take minutes


def test_without_the_package_only_numbers_that_may_be_telephones_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    personal_numbers._phonenumbers.cache_clear()
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    try:
        assert mask("10/10, maria@x.gr, 4111 1111 1111 1111") == "10/10, [e-mail], [card]"
        with pytest.raises(MissingExtraError, match=r"cxsentiment\[report\]"):
            mask("6971234567")
    finally:
        personal_numbers._phonenumbers.cache_clear()


PIECES = st.sampled_from(
    [*(text for texts in MASKED.values() for text in texts), *KEPT, "[card]", "https://", "x.gr/", "tel ", "#", "\u200b"]
)


@given(st.lists(st.one_of(PIECES, st.text(max_size=6), st.text("0123456789 .-/()+@", max_size=14)), max_size=6).map("".join))
@example("12 6971234567 2024 1234")
@example("tel 6971234567 1234567")
@example("https://x.gr/[…][phone]")
@example("[phone] 12345678")
def test_masking_twice_changes_nothing(text: str) -> None:
    assert mask(mask(text)) == mask(text)


@given(st.text(max_size=20), st.emails(), st.text(max_size=20))
def test_no_address_is_left(before: str, address: str, after: str) -> None:
    assert address not in mask(f"{before} {address} {after}")


def _luhn(digits: str) -> str:
    return next(digits + last for last in "0123456789" if personal_numbers._has_luhn_checksum(digits + last))


@given(st.sampled_from(["4", "51", "2221", "6011"]), st.text("0123456789", min_size=14, max_size=14), st.sampled_from(["", " ", "-"]))
def test_no_card_is_left(issuer: str, digits: str, between: str) -> None:
    card = _luhn((issuer + digits)[:15])
    written = between.join(card[place : place + 4] for place in range(0, 16, 4))

    assert mask(f"κάρτα {written}.") == "κάρτα [card]."


BANKS = {"GR": ("", 23), "PL": ("", 24), "RO": ("BTRL", 16), "GB": ("NWBK", 14), "DE": ("", 18), "CY": ("", 24)}


@given(st.sampled_from(sorted(BANKS)), st.text("0123456789", min_size=24, max_size=24), st.sampled_from(["", " "]), st.booleans())
def test_no_account_is_left(country: str, digits: str, between: str, lower: bool) -> None:
    bank, rest = BANKS[country]
    account = bank + digits[:rest]
    check = next(f"{number:02}" for number in range(2, 99) if personal_numbers._has_iban_checksum(f"{country}{number:02}{account}"))
    iban = f"{country}{check}{account}"
    written = between.join(iban[place : place + 4] for place in range(0, len(iban), 4))

    assert mask(f"na konto {written.lower() if lower else written}, prosze") == "na konto [account], prosze"


@given(st.text("0123456789 .-/()+GRPL:,", max_size=60))
def test_found_numbers_are_in_order_and_apart(text: str) -> None:
    found = find_numbers(text)

    assert all(0 <= number.start < number.end <= len(text) for number in found)
    assert all(one.end <= other.start for one, other in pairwise(found))
