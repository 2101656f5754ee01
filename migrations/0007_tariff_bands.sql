-- Frozen rates say what a long prompt costs. Before, it cost the same.
UPDATE `jobs` SET `details` = json_set(`details`,
  '$.offer.tariff.eval.band', json('null'),
  '$.offer.tariff.work.band', json('null'))
WHERE json_type(`details`, '$.offer.tariff') IS NOT NULL;--> statement-breakpoint
UPDATE `jobs` SET `details` = json_set(`details`, '$.earlier', (
  SELECT json_group_array(json_set(`one`.`value`,
    '$.tariff.eval.band', json('null'),
    '$.tariff.work.band', json('null')))
  FROM json_each(`jobs`.`details`, '$.earlier') AS `one`))
WHERE json_array_length(`details`, '$.earlier') > 0;
