import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { v7 as newId } from 'uuid';
import type { DiscrepancyResource } from '@shop/common/contracts';
import { eventually } from '@shop/testing';
import { startTestService, type TestCaller, type TestService } from '../../test/test-service.js';
import { createDatabase } from '../database.js';
import { createDatabaseAdapter } from '@shop/common/database';
import { recordDiscrepancies } from './record-discrepancies.js';
import type { DiscrepancyDraft } from './discrepancy.js';

let test: TestService;
let database: ReturnType<typeof createDatabase>;
let admin: TestCaller;

beforeAll(async () => {
  test = await startTestService();
  database = createDatabase(
    createDatabaseAdapter({
      url: test.config.databaseUrl,
      poolSize: 2,
      applicationName: 'test',
      onConnectionLost: () => undefined,
    }),
  );
});
afterAll(async () => {
  await database.$disconnect();
  await test.stop();
});
beforeEach(() => {
  admin = test.caller('admin');
});

const record = async (...drafts: DiscrepancyDraft[]) => database.$executeRaw(recordDiscrepancies(drafts));

/** A dispute of a payment that nobody else has. */
const aDispute = (changes: Partial<DiscrepancyDraft> = {}): DiscrepancyDraft => ({
  kind: 'dispute',
  provider: 'simulated',
  reference: `dp_${newId()}`,
  paymentId: newId(),
  details: { amount: 44.98, currency: 'USD', reason: 'fraudulent' },
  ...changes,
});

const listed = async ({ paymentId }: DiscrepancyDraft, query = ''): Promise<DiscrepancyResource[]> =>
  (await admin.get(`/discrepancies?paymentId=${paymentId}${query}`).expect(200)).body.data;

describe('what contradicts our ledger', () => {
  it('recorded -> admins read it, with all that is known', async () => {
    const dispute = aDispute();
    await record(dispute);
    expect(await listed(dispute)).toEqual([
      {
        ...dispute,
        id: expect.any(String),
        status: 'open',
        orderId: null,
        refundId: null,
        occurrences: 1,
        createdAt: expect.any(String),
        lastSeenAt: expect.any(String),
        closedAt: null,
        closedBy: null,
        note: null,
      },
    ]);
  });

  it('seen again, also twice at once -> one row that counts, with the newest facts', async () => {
    const dispute = aDispute();
    await Promise.all([record(dispute, dispute), record(dispute)]);
    await record({ ...dispute, details: { status: 'lost' } });
    expect(await listed(dispute)).toMatchObject([{ occurrences: 3, details: { status: 'lost' } }]);
  });

  it('another kind, provider or subject -> rows of their own', async () => {
    const dispute = aDispute({ reference: null });
    const others = [
      { ...dispute, kind: 'charged_not_paid' as const },
      { ...dispute, provider: 'manual' },
    ];
    await record(dispute, ...others);
    expect(await listed(dispute)).toHaveLength(3);
  });

  it('about nothing -> a bug of whoever records it', () => {
    expect(() => recordDiscrepancies([{ kind: 'dispute', provider: 'simulated' }])).toThrow('about nothing');
  });

  it('open -> the metric says so, until it is closed', async () => {
    const dispute = aDispute();
    const open = async () => {
      const text = await (await fetch(`${test.url}/metrics`)).text();
      return Number(/payment_discrepancies_open\{.*kind="dispute".*\} (\d+)/.exec(text)?.[1]);
    };
    const expected = async () =>
      (await test.query(`SELECT FROM discrepancies WHERE kind = 'dispute' AND closed_at IS NULL`)).length;
    await record(dispute);
    await eventually(async () => expect(await open()).toBe(await expected()));
    expect(await expected()).toBeGreaterThan(0);
  });
});

describe('an admin closes it', () => {
  it('with a note -> closed by that admin, with an entry in the audit trail', async () => {
    const dispute = aDispute();
    await record(dispute);
    const [{ id }] = (await listed(dispute)) as [DiscrepancyResource];
    const { body } = await admin.post(`/discrepancies/${id}/close`, { note: ' Won ' }).expect(200);
    expect(body.data).toMatchObject({ id, status: 'closed', closedBy: admin.id, note: 'Won' });
    expect(await listed(dispute, '&status=open')).toEqual([]);
    expect(await listed(dispute, '&status=closed')).toMatchObject([{ id }]);
    const trail = await admin.get(`/audit?subjectId=${id}`).expect(200);
    expect(trail.body.data).toMatchObject([
      { action: 'discrepancy.closed', actorId: admin.id, subjectKind: 'discrepancy' },
    ]);
  });

  it('again -> the same with the same note, 409 with another, 404 where there is none', async () => {
    const dispute = aDispute();
    await record(dispute);
    const [{ id }] = (await listed(dispute)) as [DiscrepancyResource];
    await admin.post(`/discrepancies/${id}/close`, { note: 'Won' }).expect(200);
    await test.caller('admin').post(`/discrepancies/${id}/close`, { note: 'Won' }).expect(200);
    await admin.post(`/discrepancies/${id}/close`, { note: 'Lost' }).expect(409);
    await admin.post(`/discrepancies/${newId()}/close`, { note: 'Won' }).expect(404);
    await admin.post(`/discrepancies/${id}/close`, {}).expect(400);
    await admin.post(`/discrepancies/${id}/close`, { note: ' ' }).expect(400);
    const trail = await admin.get(`/audit?subjectId=${id}`).expect(200);
    expect(trail.body.data).toHaveLength(1);
  });

  it('seen again with the same facts -> stays closed; with others -> a new one', async () => {
    const dispute = aDispute();
    await record(dispute);
    const [{ id }] = (await listed(dispute)) as [DiscrepancyResource];
    await admin.post(`/discrepancies/${id}/close`, { note: 'Won' }).expect(200);
    await record(dispute);
    expect(await listed(dispute)).toMatchObject([{ id, status: 'closed', occurrences: 1 }]);
    await record({ ...dispute, details: { status: 'lost' } });
    expect(await listed(dispute, '&status=open')).toMatchObject([{ details: { status: 'lost' } }]);
  });
});
