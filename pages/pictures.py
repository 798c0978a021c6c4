"""Your pictures."""

import streamlit as st

st.title("Your pictures")
