// As it loads, graphql decides by NODE_ENV whether to look for copies of itself at each type that it compares, which is several
// for each field. This is imported before all else that loads it; in tests, which don't import it, graphql still looks.
/* eslint-disable no-restricted-properties -- graphql takes this from nowhere else */
import { createRequire } from 'node:module';

const { NODE_ENV } = process.env;
process.env.NODE_ENV = 'production';
createRequire(import.meta.url)('graphql');
if (NODE_ENV === undefined) delete process.env.NODE_ENV;
else process.env.NODE_ENV = NODE_ENV;
