#!/bin/bash
# A run that somebody plans with Megatron-LM.
SEQ=2048
ITERS=${ITERS:-5000}
MODEL_ARGS=(
    --num-layers 12
    --hidden-size 768
    --ffn-hidden-size 2048
    --swiglu
    --num-attention-heads 12
    --seq-length $SEQ
    --max-position-embeddings $SEQ
    --untie-embeddings-and-output-weights
)
TRAINING_ARGS=(
    --micro-batch-size 16
    --global-batch-size 256
    --train-iters $ITERS
    --lr 3.0e-4
    --min-lr 3.0e-5
    --lr-decay-style cosine
    --lr-decay-iters 20000
    --lr-warmup-iters 1000
    --adam-beta1 0.9
    --adam-beta2 0.95
    --weight-decay 0.1
    --clip-grad 1.0
    --bf16
)
torchrun --nproc_per_node 8 --nnodes 1 pretrain_gpt.py "${MODEL_ARGS[@]}" "${TRAINING_ARGS[@]}" \
    --data-path books_text_document --tokenizer-type HuggingFaceTokenizer --tokenizer-model mine
