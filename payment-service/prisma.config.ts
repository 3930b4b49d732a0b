import { defineConfig } from 'prisma/config';
import { prismaConfig } from '../common/prisma-cli/config.ts';

export default defineConfig(await prismaConfig('payment'));
