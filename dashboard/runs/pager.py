"""Pages of a long table; which one, and how long it is, stand in the URL."""

import streamlit as st

SIZES = (50, 100, 200)
_PAGE = "page"
_LISTED = "pager listed"


def draw_pager(count: int, listed: object) -> slice:
    """Draw the pager and return which of the ``count`` rows are on the page.

    ``listed`` says what the rows are (filter and order): where it changes, the first page is shown.
    """
    if st.session_state.get(_LISTED, listed) != listed:
        _go(1)
    st.session_state[_LISTED] = listed
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="right", gap="xsmall"
    ):
        size = SIZES[0]
        if count > SIZES[0]:
            size = st.selectbox(
                "Rows per page", SIZES, key="rows", bind="query-params",
                label_visibility="collapsed", width=88,
            )  # fmt: skip
        pages = max(-(-count // size), 1)
        number = min(max(_asked(), 1), pages)
        first, last = (number - 1) * size, min(number * size, count)
        if pages > 1:
            st.button(
                "Previous page", icon=":material/chevron_left:", type="tertiary", key="page back",
                disabled=number == 1, on_click=_go, args=(number - 1,),
            )  # fmt: skip
        if count:
            st.caption(f"{first + 1:,}–{last:,} of {count:,}", width="content")
        if pages > 1:
            st.button(
                "Next page", icon=":material/chevron_right:", type="tertiary", key="page on",
                disabled=number == pages, on_click=_go, args=(number + 1,),
            )  # fmt: skip
    return slice(first, last)


def _asked() -> int:
    text = st.query_params.get(_PAGE, "")
    return int(text) if text.isdecimal() else 1


def _go(number: int) -> None:
    if number > 1:
        st.query_params[_PAGE] = str(number)
    else:
        st.query_params.pop(_PAGE, None)
