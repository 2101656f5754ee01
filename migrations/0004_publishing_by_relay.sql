DROP INDEX `outbox_state`;--> statement-breakpoint
ALTER TABLE `outbox` ADD `paid` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `outbox` ADD `near_now` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `outbox` ADD `rungs` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `outbox` ADD `climb_at` integer;--> statement-breakpoint
ALTER TABLE `outbox` ADD `alerted_at` integer;--> statement-breakpoint
CREATE INDEX `outbox_climb` ON `outbox` (`climb_at`);--> statement-breakpoint
CREATE INDEX `outbox_state` ON `outbox` (`state`,`created_at`);--> statement-breakpoint
ALTER TABLE `outbox_relays` ADD `rung` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `outbox_relays` ADD `due_at` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `outbox_relays` ADD `tries` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `outbox_relays` ADD `event` text;--> statement-breakpoint
CREATE INDEX `outbox_relays_due` ON `outbox_relays` (`state`,`due_at`);--> statement-breakpoint
CREATE INDEX `outbox_relays_relay` ON `outbox_relays` (`relay`,`state`,`due_at`);--> statement-breakpoint
-- What is owed to relays stands in outbox_relays alone.
DELETE FROM `tasks` WHERE `kind` = 'outbox.publish';--> statement-breakpoint
UPDATE `outbox` SET `rungs` = 1 WHERE `state` <> 'waiting';--> statement-breakpoint
UPDATE `outbox` SET `paid` = 1 WHERE EXISTS (SELECT 1 FROM `accounts` WHERE `id` IN ('job:' || `order_id`, 'owed:' || `order_id`));
