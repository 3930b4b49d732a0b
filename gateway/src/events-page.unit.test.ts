import { describe, expect, it } from '@jest/globals';
import { eventTypes } from '@shop/common/contracts';
import { buildAsyncApi, createTopology } from '@shop/common/messaging';
import { eventsPage } from './events-page.js';

const topology = createTopology({ accessTokenLifetime: 3_600_000 });
const document = buildAsyncApi({ version: '1.0.0', topology });

describe('the page of events', () => {
  it('each event -> a section with its schema', () => {
    const page = eventsPage(document);
    for (const type of eventTypes) expect(page).toContain(`<section id="${type}">`);
    expect(page.match(/<details>/g)).toHaveLength(eventTypes.length);
  });

  it('text with what HTML is made of -> text', () => {
    const info = { ...document.info, description: '<script>alert("&")</script>' };
    expect(eventsPage({ ...document, info })).toContain('&lt;script&gt;alert(&quot;&amp;&quot;)&lt;/script&gt;');
  });
});
