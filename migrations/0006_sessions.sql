CREATE TABLE `held_texts` (
	`owner` text PRIMARY KEY NOT NULL,
	`text_id` integer NOT NULL,
	`inbox_id` integer NOT NULL,
	`at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `requests` (
	`n` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`id` text NOT NULL,
	`seq` integer NOT NULL,
	`state` text NOT NULL,
	`owner` text NOT NULL,
	`session_id` text NOT NULL,
	`dialect` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`request_id` integer,
	`result_id` integer,
	`talk` integer NOT NULL,
	`charged_sats` integer DEFAULT 0 NOT NULL,
	`details` text NOT NULL,
	CONSTRAINT "requests_seq" CHECK("requests"."seq" >= 1),
	CONSTRAINT "requests_charged" CHECK("requests"."charged_sats" >= 0)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `requests_id_unique` ON `requests` (`id`);--> statement-breakpoint
CREATE INDEX `requests_session` ON `requests` (`session_id`,`owner`,`created_at`);--> statement-breakpoint
CREATE INDEX `requests_owner` ON `requests` (`owner`,`state`);--> statement-breakpoint
CREATE INDEX `requests_state` ON `requests` (`state`);--> statement-breakpoint
CREATE TABLE `session_talkers` (
	`session_id` text NOT NULL,
	`npub` text NOT NULL,
	`token_hash` text,
	`talk` integer DEFAULT 0 NOT NULL,
	`remembered_from` integer DEFAULT 0 NOT NULL,
	PRIMARY KEY(`session_id`, `npub`)
);
--> statement-breakpoint
CREATE INDEX `session_talkers_npub` ON `session_talkers` (`npub`,`token_hash`);--> statement-breakpoint
CREATE TABLE `sessions` (
	`id` text PRIMARY KEY NOT NULL,
	`seq` integer NOT NULL,
	`state` text NOT NULL,
	`owner` text NOT NULL,
	`dialect` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`token_hash` text,
	`details` text NOT NULL,
	CONSTRAINT "sessions_seq" CHECK("sessions"."seq" >= 1)
);
--> statement-breakpoint
CREATE INDEX `sessions_owner` ON `sessions` (`owner`,`created_at`);--> statement-breakpoint
CREATE INDEX `sessions_state` ON `sessions` (`state`);--> statement-breakpoint
CREATE UNIQUE INDEX `sessions_token` ON `sessions` (`token_hash`);--> statement-breakpoint
CREATE UNIQUE INDEX `sessions_live` ON `sessions` (`owner`) WHERE "sessions"."state" IN ('awaiting_payment', 'active', 'paused');--> statement-breakpoint
ALTER TABLE `accounts` ADD `object` text GENERATED ALWAYS AS (substr(id, instr(id, ':') + 1)) VIRTUAL;--> statement-breakpoint
CREATE INDEX `accounts_object` ON `accounts` (`object`);