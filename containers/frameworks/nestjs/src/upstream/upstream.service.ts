import { HttpService } from '@nestjs/axios';
import { BadGatewayException, Injectable, Logger, ServiceUnavailableException } from '@nestjs/common';

/** What the service at UPSTREAM_URL answers. */
export interface Delay {
  ms: number;
  serial: number;
}

@Injectable()
export class UpstreamService {
  private readonly logger = new Logger(UpstreamService.name);

  constructor(private readonly http: HttpService) {}

  async delay(ms: number): Promise<Delay> {
    const { axiosRef: axios } = this.http;
    if (!axios.defaults.baseURL) throw new ServiceUnavailableException('no UPSTREAM_URL is set');
    try {
      const { data } = await axios.get<Delay>('/delay', { params: { ms } });
      return data;
    } catch (error) {
      this.logger.error(`/delay?ms=${ms}: ${(error as Error).message}`);
      throw new BadGatewayException();
    }
  }
}
