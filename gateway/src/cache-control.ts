import type { Plugin } from 'graphql-yoga';

/** For what is the same for everybody: five minutes, in the last of which a proxy gets a new one while it serves the old. */
export const PUBLIC = 'public, max-age=240, stale-while-revalidate=60';

const isAnonymous = ({ headers }: Request): boolean => !headers.has('authorization') && !headers.has('cookie');

/**
 * Says who may keep an answer: nobody, except where a GET without credentials succeeded as a whole. Whoever asks the
 * same without credentials gets the same, and nginx keeps only what is public.
 */
export const useCacheControl = (): Plugin => {
  const succeeded = new WeakSet<Request>();
  return {
    onResultProcess({ request, result }) {
      if (Array.isArray(result) || !('data' in result)) return;
      if (result.data != null && result.errors === undefined) succeeded.add(request);
    },
    onResponse({ request, response }) {
      const isPublic =
        request.method === 'GET' && response.status === 200 && isAnonymous(request) && succeeded.has(request);
      response.headers.set('Cache-Control', isPublic ? PUBLIC : 'no-store');
      // The same URL answers GraphQL in two media types, events, and a page.
      if (request.method === 'GET') response.headers.append('Vary', 'Accept');
    },
  };
};
