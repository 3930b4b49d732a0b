export {
  batchMeta,
  pageMeta,
  DEFAULT_LIMIT,
  MAX_LIMIT,
  refusePaging,
  toPage,
  toPageRequest,
  type PageMeta,
  type PageQuery,
  type PageRequest,
  type Position,
  type Slice,
} from './page.js';
