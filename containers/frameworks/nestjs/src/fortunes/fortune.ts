export interface Fortune {
  id: number;
  message: string;
}
