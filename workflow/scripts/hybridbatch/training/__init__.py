"""Fine-tuning: batch sampling, loss, optimisation, exact resumption."""
