CREATE TABLE `outages` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`why` text NOT NULL,
	`from_at` integer NOT NULL,
	`to_at` integer,
	CONSTRAINT "outages_forward" CHECK("outages"."to_at" IS NULL OR "outages"."to_at" >= "outages"."from_at")
);
--> statement-breakpoint
CREATE INDEX `outages_from` ON `outages` (`from_at`);--> statement-breakpoint
CREATE TABLE `dropped_wraps` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`id` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `dropped_wraps_id` ON `dropped_wraps` (`id`);--> statement-breakpoint
CREATE TABLE `relay_states` (
	`url` text PRIMARY KEY NOT NULL,
	`state` text NOT NULL,
	`since` integer NOT NULL,
	`synced_at` integer,
	`failures` integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
DROP INDEX `tasks_due`;--> statement-breakpoint
DROP INDEX `tasks_lane`;--> statement-breakpoint
ALTER TABLE `tasks` ADD `behind` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `tasks` ADD `turn` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `tasks_ready` ON `tasks` (`kind`,`state`,`behind`,`due_at`,`turn`);--> statement-breakpoint
CREATE INDEX `tasks_in_lane` ON `tasks` (`lane`,`state`,`behind`,`id`);--> statement-breakpoint
DROP INDEX `outbox_state`;--> statement-breakpoint
DROP INDEX `outbox_recipient`;--> statement-breakpoint
ALTER TABLE `outbox` ADD `paid` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `outbox` ADD `near_now` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `outbox` ADD `rungs` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `outbox` ADD `climb_at` integer;--> statement-breakpoint
ALTER TABLE `outbox` ADD `alerted_at` integer;--> statement-breakpoint
CREATE INDEX `outbox_climb` ON `outbox` (`climb_at`);--> statement-breakpoint
CREATE INDEX `outbox_state` ON `outbox` (`state`,`created_at`);--> statement-breakpoint
CREATE INDEX `outbox_recipient` ON `outbox` (`recipient`,`created_at`);--> statement-breakpoint
ALTER TABLE `inbox` ADD `shed` text;--> statement-breakpoint
ALTER TABLE `inbox` ADD `retry_after` integer;--> statement-breakpoint
ALTER TABLE `outbox_relays` ADD `rung` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `outbox_relays` ADD `due_at` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `outbox_relays` ADD `tries` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `outbox_relays` ADD `event` text;--> statement-breakpoint
CREATE INDEX `outbox_relays_due` ON `outbox_relays` (`state`,`due_at`);--> statement-breakpoint
CREATE INDEX `outbox_relays_relay` ON `outbox_relays` (`relay`,`state`,`due_at`);--> statement-breakpoint
ALTER TABLE `invoices` ADD `opens` integer DEFAULT false NOT NULL;--> statement-breakpoint
CREATE INDEX `invoices_opened` ON `invoices` (`owner`,`created_at`) WHERE "invoices"."opens";--> statement-breakpoint
CREATE INDEX `invoices_reply` ON `invoices` (`reply_to`);--> statement-breakpoint
CREATE INDEX `payouts_reply` ON `payouts` (`reply_to`);--> statement-breakpoint
-- What is owed to relays stands in outbox_relays alone.
DELETE FROM `tasks` WHERE `kind` = 'outbox.publish';--> statement-breakpoint
UPDATE `outbox` SET `rungs` = 1 WHERE `state` <> 'waiting';--> statement-breakpoint
UPDATE `outbox` SET `paid` = 1 WHERE EXISTS (SELECT 1 FROM `accounts` WHERE `id` IN ('job:' || `order_id`, 'owed:' || `order_id`));--> statement-breakpoint
-- Tasks take turns in their lanes, and each activity is a kind of its own.
UPDATE `tasks` SET `turn` = `id`;--> statement-breakpoint
UPDATE `tasks` SET `kind` = (`payload` ->> '$.order.kind') || '.' || (`payload` ->> '$.activity'), `lane` = substr(`lane`, 1, 68) WHERE `kind` = 'order.activity';--> statement-breakpoint
UPDATE `tasks` SET `lane` = NULL WHERE `lane` GLOB 'timer:*' OR `lane` GLOB 'payout:*';
--> statement-breakpoint
-- An order's first invoice opened it.
UPDATE `invoices` SET `opens` = 1 WHERE `id` IN (SELECT min(`id`) FROM `invoices` GROUP BY `order_id`);
