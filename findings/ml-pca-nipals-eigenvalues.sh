#!/usr/bin/env bash
# ml-pca 4.1.1: getEigenvalues() and getStandardDeviations() of method "NIPALS" are (n - 1) times and sqrt(n - 1) times those of the other two methods, of the same
# data, and getExplainedVariance() is a share of the components that were computed, not of the variance: two of many come to 100 % whatever they leave.
# Documented are the eigenvalues (of the covariance matrix) and "the proportion of variance for each component" for every method.
#
# Seen with Node 20.20.2, Linux x64, of 100 rows of 3 numbers: eigenvalues 4.50 and 0.51 by SVD and by the covariance matrix, 445.5 and 50.2 by NIPALS, which are
# 99 times as much; shares 0.877 and 0.099 against 0.899 and 0.101. Whitening by them shrinks the data, choosing components by 95 % keeps too few.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund ml-pca@4.1.1 >/dev/null
cat >look.js <<'JS'
import { PCA } from 'ml-pca';
const rows = Array.from({ length: 100 }, (_, i) => [3 * Math.sin(1.3 * i), Math.cos(2.1 * i), 0.5 * Math.sin(0.7 * i)]);
const seen = {};
for (const method of ['SVD', 'covarianceMatrix', 'NIPALS']) {
  const pca = new PCA(rows, { method, nCompNIPALS: 2 });
  const two = (values) => values.slice(0, 2).map((value) => +value.toFixed(3));
  seen[method] = { eigenvalues: two(pca.getEigenvalues()), deviations: two(pca.getStandardDeviations()), shares: two(pca.getExplainedVariance()) };
  console.log(method, JSON.stringify(seen[method]));
}
const { SVD, covarianceMatrix, NIPALS } = seen;
const ratio = NIPALS.eigenvalues.map((value, i) => value / SVD.eigenvalues[i]);
const sum = NIPALS.shares[0] + NIPALS.shares[1];
const isAsSeen = JSON.stringify(SVD) === JSON.stringify(covarianceMatrix) && ratio.every((value) => Math.abs(value - 99) < 0.3);
process.exit(isAsSeen && Math.abs(sum - 1) < 0.002 && SVD.shares[0] + SVD.shares[1] < 0.98 ? 0 : 1);
JS
node look.js || { echo 'changed'; exit 1; }
