-- Tokens have four classes and four rates. What was counted before knew no cache: any rate is right for none.
UPDATE `jobs` SET `details` = json_set(`details`,
  '$.offer.tariff.eval.cacheWriteRate', `details` ->> '$.offer.tariff.eval.inRate',
  '$.offer.tariff.eval.cacheReadRate', `details` ->> '$.offer.tariff.eval.inRate',
  '$.offer.tariff.work.cacheWriteRate', `details` ->> '$.offer.tariff.work.inRate',
  '$.offer.tariff.work.cacheReadRate', `details` ->> '$.offer.tariff.work.inRate')
WHERE json_type(`details`, '$.offer.tariff') IS NOT NULL;--> statement-breakpoint
UPDATE `jobs` SET `details` = json_set(`details`, '$.earlier', (
  SELECT json_group_array(json_set(`one`.`value`,
    '$.tariff.eval.cacheWriteRate', `one`.`value` ->> '$.tariff.eval.inRate',
    '$.tariff.eval.cacheReadRate', `one`.`value` ->> '$.tariff.eval.inRate',
    '$.tariff.work.cacheWriteRate', `one`.`value` ->> '$.tariff.work.inRate',
    '$.tariff.work.cacheReadRate', `one`.`value` ->> '$.tariff.work.inRate'))
  FROM json_each(`jobs`.`details`, '$.earlier') AS `one`))
WHERE json_array_length(`details`, '$.earlier') > 0;--> statement-breakpoint
UPDATE `jobs` SET `details` = json_set(`details`, '$.verdict.usage.cacheWriteTokens', 0, '$.verdict.usage.cacheReadTokens', 0)
WHERE json_type(`details`, '$.verdict.usage') IS NOT NULL;--> statement-breakpoint
UPDATE `jobs` SET `details` = json_set(`details`, '$.work.usage.cacheWriteTokens', 0, '$.work.usage.cacheReadTokens', 0)
WHERE json_type(`details`, '$.work.usage') IS NOT NULL;--> statement-breakpoint
UPDATE `tasks` SET `payload` = json_set(`payload`, '$.event.output.usage.cacheWriteTokens', 0, '$.event.output.usage.cacheReadTokens', 0)
WHERE json_type(`payload`, '$.event.output.usage') IS NOT NULL;
