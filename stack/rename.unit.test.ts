import { describe, expect, it } from '@jest/globals';
import { renamedText } from './rename.ts';

const from = { name: 'shop', exchanges: 'microservices' };

describe('the project under another name', () => {
  it.each([
    ['a.ts', "from '@shop/common/http'", "from '@acme/common/http'"],
    ['a.ts', "const CLIENT_ID = 'shop';", "const CLIENT_ID = 'acme';"],
    ['a.ts', "exchange: 'microservices.events'", "exchange: 'acme.events'"],
    ['a.ts', '`shop-${name}`', '`acme-${name}`'],
    ['a.ts', '`urn:shop:event:${type}:1`', '`urn:acme:event:${type}:1`'],
    ['a.ts', "title: 'Shop GraphiQL'", "title: 'Acme GraphiQL'"],
    ['a.yml', 'image: shop-user-service', 'image: acme-user-service'],
    ['a.yml', 'name: shop\n', 'name: acme\n'],
    ['a.yml', './nginx:/etc/nginx/shop:ro', './nginx:/etc/nginx/acme:ro'],
    ['a.yml', 'key: shop/jwt', 'key: acme/jwt'],
    ['a.sh', 'NAMESPACE=${NAMESPACE:-shop}', 'NAMESPACE=${NAMESPACE:-acme}'],
    ['a.ts', "const markVariable = 'SHOP_STACK';", "const markVariable = 'ACME_STACK';"],
    ['a.ts', '`\\0shop-stack-${hash}`', '`\\0acme-stack-${hash}`'],
    ['.env.example', 'JWT_AUDIENCE=shop', 'JWT_AUDIENCE=acme'],
    ['README.md', '# Shop: an e-commerce backend', '# Acme: an e-commerce backend'],
  ])('%s: %s -> %s', (file, text, expected) => {
    expect(renamedText(file, text, from, 'acme')).toBe(expected);
  });

  it.each([
    ['a.ts', 'const shop = new Shop({ name: shop });'],
    ['a.ts', "import { shopAt } from './shop.ts';"],
    ['a.md', 'https://shop.example.com; the shop has a workshop-like past'],
  ])('%s: %s -> stays', (file, text) => {
    expect(renamedText(file, text, from, 'acme')).toBe(text);
  });
});
