# The image of each program: docker build --build-arg WORKSPACE=order-service --build-arg PORT=8082 .
FROM node:24.21.0-bookworm-slim AS base
WORKDIR /app

# Up to `common` nothing depends on WORKSPACE, so that the engine does these steps once for all images.
# Of the workspaces the manifests alone: what is copied from here stays the same while those do.
FROM base AS collected
RUN --mount=type=bind,target=/context \
    mkdir /manifests && cd /context && cp --parents common/package.json testing/package.json *-service/package.json gateway/package.json /manifests

FROM base AS manifests
COPY package.json package-lock.json .npmrc ./
COPY --from=collected /manifests ./

FROM manifests AS common
RUN --mount=type=cache,target=/root/.npm npm ci --omit=optional --ignore-scripts --no-audit --no-fund
COPY tsconfig.base.json ./
COPY common common
RUN npx tsc -b common/tsconfig.build.json

# /packages: what `files` in package.json names, which holds neither sources nor tests.
FROM common AS build
ARG WORKSPACE
RUN : "${WORKSPACE:?is missing: docker build --build-arg WORKSPACE=order-service --build-arg PORT=8082 .}"
COPY ${WORKSPACE} ${WORKSPACE}
RUN npm run generate -w ${WORKSPACE} && npx tsc -b ${WORKSPACE}/tsconfig.build.json
RUN npm pack --ignore-scripts --pack-destination /tmp -w common -w ${WORKSPACE} \
 && for name in common ${WORKSPACE}; do \
      mkdir -p /packages/$name && tar -xzf /tmp/*-$name-*.tgz -C /packages/$name --strip-components=1 || exit 1; \
    done

# No development packages, no Prisma CLI (an optional peer), no query compiler of another database, no types,
# of Swagger UI only what its page loads.
FROM manifests AS dependencies
ARG WORKSPACE
RUN --mount=type=cache,target=/root/.npm \
    npm ci -w common -w ${WORKSPACE} --omit=dev --omit=optional --omit=peer --ignore-scripts --no-audit --no-fund \
 && find node_modules/@prisma/client/runtime -name 'query_compiler_*' ! -name '*_small_bg.postgresql.*' -delete \
 && find node_modules/swagger-ui-dist -name '*.map' -delete -o -name '*es-bundle*' -delete -o -name swagger-ui.js -delete \
 && rm -rf node_modules/@types \
 && mkdir -p common/node_modules ${WORKSPACE}/node_modules

FROM base
ARG WORKSPACE
ARG PORT
LABEL org.opencontainers.image.title="${WORKSPACE}" \
      org.opencontainers.image.licenses="MIT"
# Production refuses the example secrets; whoever runs the image for development has to say so.
ENV NODE_ENV=production HOST=0.0.0.0 WORKSPACE=${WORKSPACE} DEFAULT_PORT=${PORT}
COPY --from=dependencies /app/node_modules node_modules
COPY --from=dependencies /app/common/node_modules common/node_modules
COPY --from=dependencies /app/${WORKSPACE}/node_modules ${WORKSPACE}/node_modules
COPY --from=build /packages .
WORKDIR /app/${WORKSPACE}
# What V8 has compiled comes with the image, since a container can't keep it: a fifth of a start. It counts for the same user
# and flags alone; without it everything works as before.
ENV NODE_COMPILE_CACHE=/app/compile-cache
RUN mkdir -m 755 /app/compile-cache && chown node /app/compile-cache
USER node
RUN node --max-old-space-size=256 --max-semi-space-size=32 --no-memory-reducer --input-type=module --eval "await import('/app/${WORKSPACE}/dist/container.js')"
EXPOSE ${PORT}
# On the port of its settings: ORDER_SERVICE_PORT for order-service.
HEALTHCHECK --interval=5s --timeout=10s --start-period=120s --retries=3 \
  CMD ["node", "-e", "const { env } = process; const port = env[env.WORKSPACE.toUpperCase().replaceAll('-', '_') + '_PORT'] || env.DEFAULT_PORT; require('node:http').get('http://127.0.0.1:' + port + '/ready', (answer) => process.exit(answer.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
# Bounds on the heap: on a machine with much memory V8 lets garbage pile up instead of collecting it. Under load the new space may
# grow to hold what the requests under way need: in half of it V8 copies them again and again. After two quiet minutes V8 would
# give all that it can back to the system, and the next burst would wait for a second until V8 is warm again.
ENTRYPOINT ["node", "--max-old-space-size=256", "--max-semi-space-size=32", "--no-memory-reducer"]
CMD ["dist/main.js"]
