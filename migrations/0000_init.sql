CREATE TABLE `customers` (
	`pubkey` text PRIMARY KEY NOT NULL,
	`created_at` integer NOT NULL,
	`protocol` text NOT NULL,
	`arrival_relay` text,
	`last_sent_at` integer DEFAULT 0 NOT NULL,
	`uri_form` integer DEFAULT false NOT NULL,
	`refund_to` text,
	`last_destination` text,
	`bad_destination` text,
	`failing_since` integer,
	`refunds_on` integer DEFAULT true NOT NULL,
	`keep_on` integer DEFAULT false NOT NULL,
	`asked_at_msats` integer DEFAULT 0 NOT NULL,
	`lud16` text,
	`profile_at` integer DEFAULT 0 NOT NULL,
	`profile_fetched_at` integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE `relay_lists` (
	`pubkey` text NOT NULL,
	`kind` integer NOT NULL,
	`relays` text NOT NULL,
	`event_at` integer NOT NULL,
	`fetched_at` integer NOT NULL,
	PRIMARY KEY(`pubkey`, `kind`)
);
--> statement-breakpoint
CREATE TABLE `texts` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`owner` text NOT NULL,
	`box` blob NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `texts_owner` ON `texts` (`owner`);--> statement-breakpoint
CREATE INDEX `texts_age` ON `texts` (`created_at`);--> statement-breakpoint
CREATE TABLE `told` (
	`pubkey` text NOT NULL,
	`what` text NOT NULL,
	`at` integer NOT NULL,
	PRIMARY KEY(`pubkey`, `what`)
);
--> statement-breakpoint
CREATE TABLE `facts` (
	`name` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `order_keys` (
	`owner` text NOT NULL,
	`method` text NOT NULL,
	`key` text NOT NULL,
	`params_hash` text NOT NULL,
	`order_id` text NOT NULL,
	`at` integer NOT NULL,
	PRIMARY KEY(`owner`, `method`, `key`)
);
--> statement-breakpoint
CREATE TABLE `accounts` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`debits` integer DEFAULT 0 NOT NULL,
	`credits` integer DEFAULT 0 NOT NULL,
	CONSTRAINT "accounts_kind" CHECK("accounts"."kind" IN ('asset', 'equity', 'liability', 'income', 'expense')),
	CONSTRAINT "accounts_no_overdraft" CHECK(CASE "accounts"."kind"
      WHEN 'liability' THEN "accounts"."credits" >= "accounts"."debits"
      WHEN 'income' THEN "accounts"."credits" >= "accounts"."debits"
      WHEN 'asset' THEN "accounts"."debits" >= "accounts"."credits"
      ELSE 1 END)
);
--> statement-breakpoint
CREATE TABLE `transfers` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`debit` text NOT NULL,
	`credit` text NOT NULL,
	`amount_msats` integer NOT NULL,
	`kind` text NOT NULL,
	`cause` text NOT NULL,
	`at` integer NOT NULL,
	`hash` text NOT NULL,
	FOREIGN KEY (`debit`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`credit`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "transfers_amount" CHECK(typeof("transfers"."amount_msats") = 'integer' AND "transfers"."amount_msats" BETWEEN 1 AND 1000000000000000),
	CONSTRAINT "transfers_two_accounts" CHECK("transfers"."debit" <> "transfers"."credit")
);
--> statement-breakpoint
CREATE UNIQUE INDEX `transfers_cause` ON `transfers` (`kind`,`cause`);--> statement-breakpoint
CREATE INDEX `transfers_debit` ON `transfers` (`debit`);--> statement-breakpoint
CREATE INDEX `transfers_credit` ON `transfers` (`credit`);--> statement-breakpoint
CREATE TABLE `high_waters` (
	`relay` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `inbox` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`sender` text NOT NULL,
	`rumor_id` text NOT NULL,
	`protocol` text NOT NULL,
	`kind` integer NOT NULL,
	`created_at` integer NOT NULL,
	`received_at` integer NOT NULL,
	`age` text NOT NULL,
	`is_group` integer NOT NULL,
	`text_id` integer,
	`dialect` text,
	`rpc_id` text,
	`rpc_method` text,
	`rpc_key` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `inbox_once` ON `inbox` (`sender`,`rumor_id`);--> statement-breakpoint
CREATE INDEX `inbox_rpc_key` ON `inbox` (`rpc_key`);--> statement-breakpoint
CREATE TABLE `outbox` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`recipient` text NOT NULL,
	`protocol` text NOT NULL,
	`sent_at` integer NOT NULL,
	`reply_to` text,
	`text_id` integer,
	`order_id` text,
	`state` text NOT NULL,
	`rumor_id` text,
	`event` text,
	`event_id` text,
	`created_at` integer NOT NULL,
	CONSTRAINT "outbox_sealed" CHECK("outbox"."state" <> 'sealed' OR "outbox"."event" IS NOT NULL)
);
--> statement-breakpoint
CREATE INDEX `outbox_state` ON `outbox` (`state`);--> statement-breakpoint
CREATE INDEX `outbox_recipient` ON `outbox` (`recipient`);--> statement-breakpoint
CREATE TABLE `outbox_relays` (
	`outbox_id` integer NOT NULL,
	`relay` text NOT NULL,
	`state` text NOT NULL,
	`why` text,
	`at` integer NOT NULL,
	PRIMARY KEY(`outbox_id`, `relay`)
);
--> statement-breakpoint
CREATE TABLE `rpc_answers` (
	`key` text PRIMARY KEY NOT NULL,
	`text_id` integer NOT NULL,
	`at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `rpc_answers_age` ON `rpc_answers` (`at`);--> statement-breakpoint
CREATE TABLE `seen_wraps` (
	`id` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `seen_wraps_age` ON `seen_wraps` (`at`);--> statement-breakpoint
CREATE TABLE `btc_price` (
	`id` integer PRIMARY KEY NOT NULL,
	`usd_micros` text NOT NULL,
	`source` text NOT NULL,
	`at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `claims` (
	`payment_hash` text PRIMARY KEY NOT NULL,
	`owner` text NOT NULL,
	`at` integer NOT NULL,
	`resolved_at` integer
);
--> statement-breakpoint
CREATE TABLE `debts` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`order_kind` text NOT NULL,
	`order_id` text NOT NULL,
	`owner` text NOT NULL,
	`amount_msats` integer NOT NULL,
	`because` text NOT NULL,
	`state` text NOT NULL,
	`payout_hash` text,
	`created_at` integer NOT NULL,
	`paid_at` integer,
	CONSTRAINT "debts_amount" CHECK("debts"."amount_msats" BETWEEN 1 AND 1000000000000000),
	CONSTRAINT "debts_attempt" CHECK(("debts"."state" IN ('owed', 'kept')) = ("debts"."payout_hash" IS NULL))
);
--> statement-breakpoint
CREATE INDEX `debts_owner` ON `debts` (`owner`,`state`);--> statement-breakpoint
CREATE INDEX `debts_order` ON `debts` (`order_id`);--> statement-breakpoint
CREATE TABLE `hand_decisions` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`what` text NOT NULL,
	`payment_hash` text NOT NULL,
	`reason` text,
	`preimage` text,
	`unasked` integer DEFAULT false NOT NULL,
	`at` integer NOT NULL,
	`ended_at` integer,
	`result` text,
	`words` text,
	CONSTRAINT "hand_decisions_reason" CHECK("hand_decisions"."what" = 'recheck' OR coalesce(length("hand_decisions"."reason"), 0) > 0),
	CONSTRAINT "hand_decisions_ended" CHECK(("hand_decisions"."ended_at" IS NULL) = ("hand_decisions"."result" IS NULL))
);
--> statement-breakpoint
CREATE INDEX `hand_decisions_hash` ON `hand_decisions` (`payment_hash`);--> statement-breakpoint
CREATE TABLE `invoices` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`order_kind` text NOT NULL,
	`order_id` text NOT NULL,
	`owner` text NOT NULL,
	`purpose` text NOT NULL,
	`amount_sats` integer NOT NULL,
	`description` text NOT NULL,
	`expiry_seconds` integer NOT NULL,
	`state` text NOT NULL,
	`bolt11` text,
	`payment_hash` text,
	`may_fail` integer NOT NULL,
	`reply_to` integer,
	`created_at` integer NOT NULL,
	`expires_at` integer,
	`paid_at` integer,
	`paid_msats` integer,
	`delay_told` integer DEFAULT false NOT NULL,
	CONSTRAINT "invoices_amount" CHECK("invoices"."amount_sats" BETWEEN 1 AND 1000000000000),
	CONSTRAINT "invoices_issued" CHECK("invoices"."state" IN ('wanted', 'failed', 'kept') OR ("invoices"."bolt11" IS NOT NULL AND "invoices"."payment_hash" IS NOT NULL AND "invoices"."expires_at" IS NOT NULL)),
	CONSTRAINT "invoices_paid" CHECK(("invoices"."state" = 'paid') = ("invoices"."paid_at" IS NOT NULL))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `invoices_hash` ON `invoices` (`payment_hash`);--> statement-breakpoint
CREATE INDEX `invoices_order` ON `invoices` (`order_id`);--> statement-breakpoint
CREATE INDEX `invoices_owner` ON `invoices` (`owner`,`state`);--> statement-breakpoint
CREATE INDEX `invoices_state` ON `invoices` (`state`);--> statement-breakpoint
CREATE TABLE `payout_debts` (
	`payment_hash` text NOT NULL,
	`debt_id` integer NOT NULL,
	PRIMARY KEY(`payment_hash`, `debt_id`)
);
--> statement-breakpoint
CREATE TABLE `payouts` (
	`payment_hash` text PRIMARY KEY NOT NULL,
	`bolt11` text NOT NULL,
	`owner` text NOT NULL,
	`amount_msats` integer NOT NULL,
	`destination` text,
	`state` text NOT NULL,
	`invoice_expires_at` integer NOT NULL,
	`reply_to` integer,
	`created_at` integer NOT NULL,
	`sent_at` integer,
	`ended_at` integer,
	`fee_msats` integer,
	`preimage` text,
	`error` text,
	`told` text DEFAULT '' NOT NULL,
	`dead_proofs` integer DEFAULT 0 NOT NULL,
	`dead_proof_at` integer,
	CONSTRAINT "payouts_amount" CHECK("payouts"."amount_msats" BETWEEN 1 AND 1000000000000000)
);
--> statement-breakpoint
CREATE INDEX `payouts_state` ON `payouts` (`state`);--> statement-breakpoint
CREATE INDEX `payouts_owner` ON `payouts` (`owner`);--> statement-breakpoint
CREATE TABLE `receipts` (
	`event_id` text PRIMARY KEY NOT NULL,
	`owner` text NOT NULL,
	`position` integer NOT NULL,
	`order_ids` text NOT NULL,
	`kind` text NOT NULL,
	`event` text NOT NULL,
	`sig` text,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `receipts_chain` ON `receipts` (`owner`,`position`);--> statement-breakpoint
CREATE TABLE `reconciliation` (
	`id` integer PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`balance_msats` integer NOT NULL,
	`gap_msats` integer NOT NULL,
	`drift` text
);
--> statement-breakpoint
CREATE TABLE `wallet_rows` (
	`payment_hash` text NOT NULL,
	`direction` text NOT NULL,
	`why` text NOT NULL,
	`amount_msats` integer NOT NULL,
	`at` integer NOT NULL,
	PRIMARY KEY(`payment_hash`, `direction`)
);
--> statement-breakpoint
CREATE TABLE `tasks` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`kind` text NOT NULL,
	`lane` text,
	`key` text,
	`payload` text NOT NULL,
	`state` text NOT NULL,
	`due_at` integer NOT NULL,
	`attempt` integer NOT NULL,
	`tries` integer NOT NULL,
	`created_at` integer NOT NULL,
	`error` text,
	CONSTRAINT "tasks_state" CHECK("tasks"."state" IN ('waiting', 'running', 'dead'))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `tasks_key` ON `tasks` (`key`);--> statement-breakpoint
CREATE INDEX `tasks_due` ON `tasks` (`state`,`due_at`);--> statement-breakpoint
CREATE INDEX `tasks_lane` ON `tasks` (`lane`,`id`);--> statement-breakpoint
CREATE TABLE `model_spend` (
	`day` text PRIMARY KEY NOT NULL,
	`usd_nanos` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `jobs` (
	`id` text PRIMARY KEY NOT NULL,
	`seq` integer NOT NULL,
	`state` text NOT NULL,
	`owner` text NOT NULL,
	`dialect` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`request_id` integer,
	`details` text NOT NULL,
	CONSTRAINT "jobs_seq" CHECK("jobs"."seq" >= 1)
);
--> statement-breakpoint
CREATE INDEX `jobs_owner` ON `jobs` (`owner`,`created_at`);--> statement-breakpoint
CREATE INDEX `jobs_state` ON `jobs` (`state`);--> statement-breakpoint
CREATE TABLE `stub_invoices` (
	`payment_hash` text PRIMARY KEY NOT NULL,
	`bolt11` text NOT NULL,
	`amount_msats` integer NOT NULL,
	`preimage` text NOT NULL,
	`description` text NOT NULL,
	`label` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`paid_at` integer,
	CONSTRAINT "stub_invoices_amount" CHECK("stub_invoices"."amount_msats" BETWEEN 1 AND 1000000000000000)
);
--> statement-breakpoint
CREATE INDEX `stub_invoices_paid` ON `stub_invoices` (`paid_at`);--> statement-breakpoint
CREATE TABLE `stub_payments` (
	`payment_hash` text PRIMARY KEY NOT NULL,
	`bolt11` text NOT NULL,
	`amount_msats` integer NOT NULL,
	`label` text NOT NULL,
	`created_at` integer NOT NULL,
	CONSTRAINT "stub_payments_amount" CHECK("stub_payments"."amount_msats" BETWEEN 1 AND 1000000000000000)
);
--> statement-breakpoint
CREATE TABLE `stub_wallet` (
	`id` integer PRIMARY KEY NOT NULL,
	`wallet_id` text NOT NULL,
	`secret_key` text NOT NULL,
	CONSTRAINT "stub_wallet_one" CHECK("stub_wallet"."id" = 1)
);
