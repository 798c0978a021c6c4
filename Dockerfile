# The dashboard, for docker and for hubs that run containers; see docs/deploy.md.
FROM python:3.12-slim

RUN useradd --create-home --uid 1000 lab
WORKDIR /home/lab/app
COPY requirements.txt requirements-cluster.txt ./
RUN pip install --no-cache-dir -r requirements-cluster.txt

COPY --chown=lab:lab . .
RUN mkdir -p /home/lab/own && chown lab:lab /home/lab/own
USER lab
# What visitors train and store, and the datasets that they add; keep it in a volume.
ENV PRUNING_LAB_HOME=/home/lab/own
ENV PRUNING_LAB_DATA=/home/lab/own/data
VOLUME /home/lab/own

# Inside the container it listens everywhere; which addresses reach it is decided outside.
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD python -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"
CMD ["streamlit", "run", "--server.address=0.0.0.0", "--server.port=8501"]
