# The roles of a cluster in one image: worker, gateway, console, till, ops, setup. The embedded Kafka and PostgreSQL stay
# out of it (extra "machine"). Built without a compiler: every dependency is a wheel, checked by hash.

FROM python:3.13.9-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore UV_LINK_MODE=copy
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /src
COPY requirements.lock requirements-image.lock ./
RUN uv venv /opt/unisono \
    && uv pip install --python /opt/unisono/bin/python --no-cache --no-build --require-hashes -r requirements-image.lock
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY services services
COPY streams streams
RUN uv build --wheel --no-cache --build-constraints requirements.lock --require-hashes --out-dir /dist \
    && uv pip install --python /opt/unisono/bin/python --no-cache --no-deps /dist/*.whl

FROM python:3.13.9-slim-trixie
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/unisono unisono
COPY --from=build /opt/unisono /opt/unisono
ENV PATH=/opt/unisono/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    UNISONO_HOME=/var/lib/unisono \
    UNISONO_HOST=0.0.0.0 \
    UNISONO_LOG_JSON=true \
    UNISONO_METRICS_PORT=9100
USER 10001
WORKDIR /var/lib/unisono
EXPOSE 8080 8090 9100
ENTRYPOINT ["unisono"]
CMD ["--help"]
