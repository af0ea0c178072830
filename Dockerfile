# The service in a container: docker build -t functa . && docker run -p 8080:8080 -v functa:/var/lib/functa functa
# It is reached from outside of the container, so it asks for a key:
#   docker run --rm -v functa:/var/lib/functa functa keys create --scope write
FROM node:20-bookworm-slim AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends g++ python3 \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
# TensorFlow's bindings train models and serve none: --omit=optional would leave out what sharp and lmdb are made of, too.
RUN npm ci --ignore-scripts \
 && FUNCTA_NATIVE=require node scripts/build-native.mjs \
 && node scripts/build.mjs \
 && npm prune --omit=dev --ignore-scripts \
 && npm install --no-save --omit=dev --ignore-scripts \
    $(node -p "const of = require('./package.json').peerDependencies; ['pg', 'pg-boss', 'pg-copy-streams'].map((n) => n + '@' + of[n]).join(' ')") \
 && rm -rf node_modules/@tensorflow

FROM node:20-bookworm-slim
ENV NODE_ENV=production FUNCTA_HOME=/var/lib/functa FUNCTA_HOST=0.0.0.0
WORKDIR /opt/functa
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY --from=build /build/build ./build
COPY --from=build /build/models ./models
COPY --from=build /build/src/engine ./src/engine
RUN mkdir -p /var/lib/functa && chown node:node /var/lib/functa
USER node
VOLUME /var/lib/functa
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "dist/src/cli/main.js"]
CMD ["serve", "--json"]
