"""Data: the datasets that there are, what is in each, and files that become one."""

import streamlit as st

from dashboard.data.add_dataset import draw_adding
from dashboard.data.dataset_list import draw_list
from dashboard.data.dataset_view import draw_dataset
from dashboard.shared import cache
from dashboard.shared.components import errors_shown, show_error
from experiments.core.errors import DatasetError
from experiments.data.stored import find_info


def main() -> None:
    """Draw the dataset that the URL names, or all of them."""
    name = st.query_params.get("name")
    adding = "add" in st.query_params
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    left.title("Add data" if adding else "Data", anchor=False)
    with right.container(horizontal=True, horizontal_alignment="right"):
        if (name or adding) and st.button("All datasets", icon=":material/arrow_back:"):
            st.query_params.clear()
            st.rerun()
        if not adding and st.button("Add data", type="primary", icon=":material/add:"):
            st.query_params.from_dict({"add": ""})
            st.rerun()
    with errors_shown("The datasets cannot be listed"):
        stored = cache.datasets()
        if adding:
            draw_adding()
        elif name:
            try:
                info = find_info(name)
            except DatasetError as error:
                show_error(error)
            else:
                draw_dataset(info, stored)
        else:
            draw_list(stored)


main()
