"""A link with values that nothing can be done with, in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_stories import FIRST_TITLE, PAGES, settled, visit

LINK = (
    "image=1e400&image=3&threshold=1e999&threshold=nan&channel=-5&class=zzz"
    "&model=%00&layer=&sort=&of=&gain=-inf&settings=99&order=" + "x" * 600
)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_opens_with_its_usual_values_and_drops_those_of_the_link(server, page, path):
    visit(page, f"{server.address}/{path}?{LINK}", PAGES[path])
    expect(page.get_by_role("combobox", name="Model in use")).to_have_value(FIRST_TITLE)
    expect(page).not_to_have_url(re.compile("1e400|1e999|nan|x{600}"))
    page.reload()
    expect(page.get_by_role("heading", name=PAGES[path], exact=True, level=1)).to_be_visible()
    settled(page)
