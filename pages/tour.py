"""Tour."""

import streamlit as st

st.title("Tour")
