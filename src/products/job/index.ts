import { awaySeconds } from '../../downtime/index.ts';
import { product, type OrderEvent } from '../../engine/index.ts';
import type { Product } from '../../engine/product.ts';
import { loadInbound } from '../../messaging/index.ts';
import { findInvoice, invoicesOf, isInvoiceComing } from '../../payments/index.ts';
import { settleWork } from '../../pricing/index.ts';
import { wasCut } from '../_shared/cut-invoice.ts';
import type { Shop, Ware } from '../_shared/shop.ts';
import { jobActivities } from './activities.ts';
import { jobCommands } from './commands.ts';
import { jobFace } from './face.ts';
import { decide } from './machine.ts';
import type { Job, JobCommand, JobFacts, JobNotice } from './states.ts';
import { jobReceipt } from './receipt.ts';
import { partNotifications, rpcJobThatFits } from './rpc.ts';
import { offerFor, waitingJob } from './selling.ts';
import { insertJob, jobsAtWork, loadJob, removeJob, saveJob } from './store.ts';
import { jobStatusLine, jobWords } from './text.ts';

/** One request, evaluated for a small fee, quoted, paid, done; what it did not cost goes back. */
export const job: Ware = {
  faces: [jobFace],
  open: (shop) => {
    const product = jobProduct(shop);
    return { products: [product], commands: (engine) => jobCommands(shop, engine, product) };
  },
};

function jobProduct(shop: Shop): Product {
  const { texts, settings, clock, startedAt } = shop;
  return product<Job, JobCommand, JobNotice, JobFacts>({
    face: jobFace,
    rpcName: 'job',
    load: loadJob,
    insert: insertJob,
    save: saveJob,
    remove: removeJob,
    decide,
    facts: (reader, job, event) => {
      const shown = invoicesOf(reader, job.id).at(-1);
      const eventInvoice = 'invoiceId' in event ? findInvoice(reader, event.invoiceId) : undefined;
      const request = texts.read(reader, job.requestId);
      return {
        now: clock.now(),
        startedAt,
        invoiceExpirySeconds: settings.INVOICE_EXPIRY_SECONDS,
        requestKept: request !== null,
        offerNow: offerFor(shop, reader, request ?? '', job.length),
        invoice:
          shown === undefined
            ? null
            : {
                id: shown.id,
                createdAt: shown.createdAt,
                expiresAt: shown.expiresAt ?? 0,
                open: shown.state === 'open',
              },
        invoiceComing: isInvoiceComing(reader, job.id),
        askedByProgram: event.type === 'command' && loadInbound(reader, event.replyTo).dialect === 'rpc',
        awaySeconds: awaySeconds(reader, job.updatedAt, clock.now()),
        eventInvoiceCut: wasCut(reader, eventInvoice),
        eventInvoiceEnd: eventInvoice?.expiresAt ?? null,
        settle: (offer, usage) => {
          const bill = settleWork(usage, offer.tariff, offer.quote.amountSats);
          return { actualSats: bill.actualAmountSats, chargedSats: bill.chargedSats, refundSats: bill.refundSats };
        },
      };
    },
    activities: jobActivities({ ...shop, rules: { clock, retrySeconds: settings.MODEL_RETRY_SECONDS } }),
    atWork: jobsAtWork,
    words: (tx, job, notice) => jobWords({ texts, settings, now: () => clock.now() }, tx, job, notice),
    rpc: (reader, job, brief) => rpcJobThatFits(reader, texts, job, brief),
    rpcParts: (reader, job, notice) => (notice.type === 'result' ? partNotifications(reader, texts, job) : []),
    wantsUpdate,
    receipt: (reader, job) => jobReceipt(reader, job),
    isPaid: (job) => !['awaiting_eval_payment', 'expired', 'cancelled'].includes(job.state),
    waitingRequest: (reader, owner) => waitingJob(texts, reader, owner),
    statusLine: (reader, job) => jobStatusLine(reader, job, clock.now()),
    summary: ({ id, state, createdAt, updatedAt }) => ({ id, kind: 'job', state, createdAt, updatedAt }),
  });
}

/** `updates`: all changes; `money` = invoices, result, refund; `end` = the finished job only. */
function wantsUpdate(job: Job, event: OrderEvent<JobCommand>): boolean {
  if (event.type === 'timer') return false;
  const ended = !jobFace.states.open.includes(job.state);
  if (job.updates === 'end') return ended && event.type !== 'refund_changed';
  if (job.updates === 'money') return ended || event.type === 'invoice_ready' || event.type === 'refund_changed';
  return true;
}
