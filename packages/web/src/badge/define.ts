import { defineMachFinality } from "./mach-finality.ts";

// For `<script type="module">`: whoever loads the file wants the element.
defineMachFinality();
