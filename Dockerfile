# The references stand literally in each FROM, so that tools which renew or remap them find them. Renovate adds their digests.
# Behind an index of your own: docker build --secret id=pip,src=pip.conf . It is there while this builds, and in no layer.

FROM docker.io/library/python:3.11-slim AS build
WORKDIR /src
# What is installed is what is locked, hash for hash. The environment is shipped without pip.
COPY requirements.lock requirements-build.lock ./
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python -m venv --without-pip /opt/rollbackd \
 && python -m venv /opt/build \
 && /opt/build/bin/pip --python /opt/rollbackd/bin/python install --no-cache-dir --only-binary :all: --require-hashes --no-deps -r requirements.lock \
 && /opt/build/bin/pip install --no-cache-dir --only-binary :all: --require-hashes --no-deps -r requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY rules rules
COPY deploy deploy
COPY watcher watcher
# The tests and samples of numpy and matplotlib stay behind. Compiled files stay: nothing can be compiled when it runs.
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /dist . \
 && /opt/build/bin/pip --python /opt/rollbackd/bin/python install --no-cache-dir --no-deps --no-index --find-links /dist rollbackd \
 && find /opt/rollbackd/lib -type d '(' -name tests -o -name sample_data ')' -prune -exec rm -r {} +

FROM docker.io/library/python:3.11-slim
LABEL org.opencontainers.image.title="rollbackd" \
      org.opencontainers.image.description="Watches each deployment and puts the last known-good release back when it is bad" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 rollbackd \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/rollbackd --shell /usr/sbin/nologin rollbackd \
 && install --directory --owner 10001 --group 10001 --mode 0750 /var/lib/rollbackd
COPY --from=build /opt/rollbackd /opt/rollbackd
COPY LICENSE /usr/share/doc/rollbackd/LICENSE
# The root file system may be read-only: nothing is written but the state, and what matplotlib remembers of fonts.
ENV PATH=/opt/rollbackd/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONSAFEPATH=1 \
    MPLCONFIGDIR=/tmp
USER 10001:10001
WORKDIR /var/lib/rollbackd
VOLUME /var/lib/rollbackd
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 CMD ["rollbackd", "health"]
ENTRYPOINT ["rollbackd"]
CMD ["run", "--config", "/etc/rollbackd/rollbackd.yaml"]
